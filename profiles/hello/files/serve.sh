#!/bin/sh
# Counts this start on the volume, writes the page and serves it.
set -eu

# marker: an id that the volume gets once, and that tells it from every other
if [ ! -s /data/marker ]; then
  cat /proc/sys/kernel/random/uuid >/data/marker.new
  mv /data/marker.new /data/marker
fi

starts=0
[ ! -s /data/starts ] || starts=$(cat /data/starts)
case $starts in
  *[!0-9]*)
    echo "/data/starts holds no number: $starts" >&2
    exit 1
    ;;
esac
starts=$((starts + 1))
echo "$starts" >/data/starts.new
mv /data/starts.new /data/starts

sed -e "s/@STARTS@/$starts/" -e "s/@MARKER@/$(cat /data/marker)/" -e "s/@POD@/$(hostname)/" /config/page.html >/www/index.html
echo "start $starts; serving at 8080"
exec busybox httpd -f -p 8080 -h /www
