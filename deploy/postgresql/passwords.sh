#!/bin/sh
# Run by the database's container when it is created: passwords of the two roles from the environment.
set -eu
psql --username postgres --dbname pttadmin --set ON_ERROR_STOP=1 --set "owner=$OWNER_PASSWORD" --set "app=$APP_PASSWORD" <<'SQL'
ALTER ROLE ptt_owner PASSWORD :'owner';
ALTER ROLE ptt_app PASSWORD :'app';
SQL
