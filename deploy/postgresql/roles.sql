-- Two roles: ptt_owner owns the tables and runs migrations; ptt_app is what web, workers and plugins connect with.
-- ptt_app cannot change the schema, so that nobody who gets hold of it can drop the triggers that protect issued documents.
-- Run as superuser, once, in the empty database:  psql -d pttadmin -f roles.sql
-- Passwords, when not connecting over the local socket:  \password ptt_owner  and  \password ptt_app

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ptt_owner') THEN
        CREATE ROLE ptt_owner LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ptt_app') THEN
        CREATE ROLE ptt_app LOGIN;
    END IF;
END
$$;

DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO ptt_app', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY, CREATE ON DATABASE %I TO ptt_owner', current_database());
END
$$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO ptt_owner;
GRANT USAGE ON SCHEMA public TO ptt_app;

-- What ptt_owner creates from now on: rows for ptt_app, no TRUNCATE, no triggers, no references.
ALTER DEFAULT PRIVILEGES FOR ROLE ptt_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ptt_app;
ALTER DEFAULT PRIVILEGES FOR ROLE ptt_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO ptt_app;
ALTER DEFAULT PRIVILEGES FOR ROLE ptt_owner IN SCHEMA public REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE ptt_owner IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO ptt_app;

-- And what was there before.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ptt_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ptt_app;
