#!/bin/sh
# configure-instance.sh INSTANCE: run by postfix@INSTANCE.service before start.
# Brings into the queue directory what programs in its jail read. Ours need
# nothing of it; a daemon or library of another suite, swapped in, does.
# /etc/default/postfix: SYNC_CHROOT (empty: do nothing), chroot_extra_files.
set -eu

SYNC_CHROOT=y
chroot_extra_files=
# shellcheck disable=SC1091
[ ! -r /etc/default/postfix ] || . /etc/default/postfix

case ${1:--} in
-) config=$(postconf -hx config_directory) ;;
*) config=/etc/$1 ;;
esac
value() { postconf -c "$config" -o inet_interfaces= -hx "$1" 2>/dev/null; }

case $(value myorigin) in
ubuntu.com | debian.org | *.ubuntu.com | *.debian.org)
	echo "$0: myorigin in $config/main.cf is a domain of the distribution" >&2
	exit 1 ;;
esac
[ -n "$SYNC_CHROOT" ] || exit 0
implied=n
[ "$(value compatibility_level)" -ge 1 ] 2>/dev/null || implied=y
postconf -c "$config" -M 2>/dev/null |
	awk -v dash=$implied '$5 == "y" || ($5 == "-" && dash == "y") {found = 1}
		END {exit !found}' || exit 0
queue=$(value queue_directory)
[ -d "$queue" ] || exit 0

# bring FILE [AS]: a copy that takes the old one's place at once
bring() {
	[ -r "$1" ] || return 0
	into=$queue/${2:-${1#/}}
	! cmp -s "$1" "$into" || return 0
	mkdir -p "${into%/*}"
	cp -p "$(readlink -f "$1")" "$into.new"
	mv "$into.new" "$into"
}

files="/etc/localtime /etc/services /etc/resolv.conf /etc/hosts
	/etc/host.conf /etc/nsswitch.conf /etc/nss_mdns.config"
case $(value local_recipient_maps) in
*proxy:unix:passwd.byname*) ;;
*unix:passwd.byname*) files="$files /etc/passwd" ;;
esac
for file in $files $chroot_extra_files /lib/*/libgcc_s*.so* \
	/lib/*/libnss*.so* /lib/*/libresolv*.so*; do
	bring "$file"
done
for parameter in smtp_tls_CApath smtpd_tls_CApath; do
	directory=$(value $parameter)
	[ -n "$directory" ] && [ -d "$directory" ] || continue
	for file in "$directory"/*.pem; do bring "$file"; done
	openssl rehash "$queue$directory" >/dev/null 2>&1 || :
done
mkdir -p "$queue/dev" "$queue/usr/lib/zoneinfo"
for device in random:8 urandom:9; do
	node=$queue/dev/${device%:*}
	[ -e "$node" ] || mknod -m 666 "$node" c 1 "${device#*:}" 2>/dev/null || :
done
ln -sfn /etc/localtime "$queue/usr/lib/zoneinfo/localtime"
