#!/bin/sh
# Prints the first Python that can run PTT Admin (3.11 to 3.13); says what to do when there is none.
for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if path=$(command -v "$name" 2>/dev/null) &&
        "$path" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then
        echo "$path"
        exit 0
    fi
done
echo "PTT Admin needs Python 3.11, 3.12 or 3.13. Install it, for example: apt-get install python3 python3-venv" >&2
echo "or name it: make run PYTHON=/path/to/python3.12" >&2
exit 1
