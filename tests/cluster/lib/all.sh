# Sources the library in order.
# shellcheck shell=bash
LIB=$(dirname "${BASH_SOURCE[0]}")
for part in common process packages build images prefect network controlplane node addons lifecycle engines kindnode kindcluster; do
  # shellcheck disable=SC1090
  . "$LIB/$part.sh"
done
