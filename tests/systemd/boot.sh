#!/bin/sh
# Boot a real systemd as PID 1 in private namespaces, over a throw-away overlay of /, and run probe.service.
#   boot.sh WORK SHARED REPOSITORY PYTHON PACKAGES
# WORK is an empty folder (the overlay's mount point), SHARED is seen inside as /mnt and holds root/ (files that
# are copied over the overlay). REPOSITORY, PYTHON (a prefix) and PACKAGES (site-packages) appear below /opt/reelq.
# Needs root. Everything goes when the last process of the namespaces ends; nothing of the host is written.
set -eu
if [ "${1:-}" != inside ]; then
    exec unshare --mount --pid --fork --kill-child --uts --ipc --cgroup --net sh "$0" inside "$@"
fi
work=$2 shared=$3 repository=$4 python=$5 packages=$6
mount --make-rprivate /
mount -t tmpfs none "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$work/root"
root=$work/root
# The machine begins without reelq, whatever the host has of it; the overlay keeps the host's own files.
for name in etc/reelq opt/reelq var/lib/reelq var/cache/reelq; do rm -rf "${root:?}/$name"; done
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 none "$root/sys/fs/cgroup"
mount -t tmpfs none "$root/run"
mount -t tmpfs -o mode=1777 none "$root/tmp"
mount -t tmpfs -o mode=1777 none "$root/var/tmp"
# A /dev of its own: systemd makes folders and links there.
mount -t tmpfs -o mode=755 none "$root/dev"
for node in null zero full random urandom tty; do
    : >"$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=1777 none "$root/dev/shm"
mount --bind "$shared" "$root/mnt"
for name in source python packages; do mkdir -p "$root/opt/reelq/$name"; done
mount --bind -o ro "$repository" "$root/opt/reelq/source"
mount --bind -o ro "$python" "$root/opt/reelq/python"
mount --bind -o ro "$packages" "$root/opt/reelq/packages"
# An interpreter that was built with a shared library looks for it where it was built, which the unit may hide.
mkdir -p "$root/opt/reelq/lib" "$root/etc/ld.so.conf.d"
find "$python/lib" -maxdepth 1 -name 'libpython*.so*' -exec cp -P {} "$root/opt/reelq/lib/" \;
echo /opt/reelq/lib >"$root/etc/ld.so.conf.d/00-reelq.conf"
chroot "$root" /sbin/ldconfig
# What would reach the kernel that the host runs on, too.
mkdir -p "$root/etc/systemd/system"
for unit in systemd-sysctl systemd-modules-load systemd-udevd systemd-udev-trigger; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit.service"
done
cp -a "$shared/root/." "$root/"
# No chroot: the kernel refuses user namespaces, and so bubblewrap, to whoever lives in one.
cd "$root"
pivot_root . .
umount -l .
# As a container manager would: systemd hands credentials and private mounts on by propagation.
mount --make-rshared /
exec chroot . env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=probe.target --log-target=journal --show-status=no
