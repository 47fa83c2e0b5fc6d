#!/usr/bin/env bash
# Prints the directory with the jars of Kafka's tools, fetched once by Maven; nothing where Java or Maven
# is missing.
set -euo pipefail
command -v java >/dev/null && command -v mvn >/dev/null || exit 0
libs=${XDG_CACHE_HOME:-$HOME/.cache}/levada/kafka-4.3.1
if [ ! -e "$libs/.complete" ]; then
    mvn -q -B -f tests/compat/pom.xml dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$libs" >&2
    touch "$libs/.complete"
fi
echo "$libs"
