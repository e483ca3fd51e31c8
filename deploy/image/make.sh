#!/usr/bin/env bash
# Makes the image of all programs without a registry: a root file system of Debian packages, unpacked and not installed (no shell, no
# package manager, no account but three lines), and an archive that docker, podman and containerd load. Called by ./ambient.sh image.
#   make.sh programs TARGET CONTROLLER-DIR CTL-DIR NODE-DIR DOTNET-ROOT   lays the programs out as they lie in the image
#   make.sh archive PROGRAMS OUTPUT NAME EPOCH                            makes the archive; the same input gives the same bytes
set -euo pipefail
export LC_ALL=C
umask 022

# What nft and the programs load; their dependencies follow. libstdc++, libgcc and zlib are the runtime's.
packages=(nftables libssl3 libstdc++6 libgcc-s1 zlib1g)

fail() { printf 'image: %s\n' "$*" >&2; exit 1; }

programs() {
    local target=$1 controller=$2 ctl=$3 node=$4 dotnet=$5 file version framework
    rm -rf -- "$target" && mkdir -p "$target"/usr/{bin,lib/ambient,lib/dotnet/host/fxr,lib/dotnet/shared} "$target/etc/dotnet"
    cp -r -- "$controller" "$target/usr/lib/ambient/controller"
    cp -r -- "$ctl" "$target/usr/lib/ambient/ctl"
    # The runtime once, for both; without the program that would start anything else by it.
    version=$(find "$dotnet/host/fxr" -mindepth 1 -maxdepth 1 -name '10.*' -printf '%f\n' | sort -V | tail -1)
    [[ -n $version ]] || fail "no .NET 10 runtime in $dotnet"
    cp -rL -- "$dotnet/host/fxr/$version" "$target/usr/lib/dotnet/host/fxr/"
    for framework in Microsoft.NETCore.App Microsoft.AspNetCore.App; do
        [[ -d $dotnet/shared/$framework/$version ]] || fail "no $framework $version in $dotnet/shared"
        mkdir -p "$target/usr/lib/dotnet/shared/$framework" && cp -rL -- "$dotnet/shared/$framework/$version" "$target/usr/lib/dotnet/shared/$framework/"
    done
    printf '/usr/lib/dotnet\n' >"$target/etc/dotnet/install_location"
    find "$target" -type f \( -name '*.pdb' -o -name '*.dbg' -o -name '*.xml' -o -name createdump -o -name 'libmscordbi.so' -o -name 'libmscordaccore.so' \) -delete
    for file in ambient-node ambient-redirector ambient-cni; do install -m 755 -- "$node/$file" "$target/usr/bin/$file"; done
    ln -s ../lib/ambient/controller/ambient-controller "$target/usr/bin/ambient-controller"
    ln -s ../lib/ambient/ctl/ambientctl "$target/usr/bin/ambientctl"
    # ambientctl looks for the others beside itself.
    for file in ambient-controller ambient-node ambient-redirector ambient-cni; do ln -s "/usr/bin/$file" "$target/usr/lib/ambient/ctl/$file"; done
    find "$target" -type f -exec chmod a+rX,go-w {} +
    find "$target" -type d -exec chmod 755 {} +
}

closure() {
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "${packages[@]}" \
        | grep '^[a-z0-9]' | grep -v -e ':' -e '^debconf' -e '-base$' | sort -u
}

root_of_packages() {
    local root=$1 work=$2 names name
    mapfile -t names < <(closure)
    [[ ${#names[@]} -ge ${#packages[@]} ]] || fail "apt knows no packages: run apt-get update"
    mkdir -p "$work/debs" && chmod 777 "$work/debs"
    (cd -- "$work/debs" && apt-get download "${names[@]}" >"$work/apt.log" 2>&1) || fail "$(tail -3 "$work/apt.log")"
    mkdir -p "$root/var/lib/dpkg/status.d"
    for name in "$work"/debs/*.deb; do
        dpkg-deb --extract "$name" "$root"
        # Where scanners look for what an image is made of, if no package manager is in it.
        dpkg-deb --field "$name" >"$root/var/lib/dpkg/status.d/$(dpkg-deb --field "$name" Package)"
    done
    # Licences stay; what only people at a shell would read goes.
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    find "$root/usr/share/doc" -type l -delete
    rm -rf "$root"/usr/share/{man,locale,lintian,bash-completion,info,gcc,gdb} "$root"/usr/lib/*/{gconv,audit} "$root"/usr/share/doc/*/examples \
        "$root"/lib/systemd "$root"/etc/{systemd,init.d,default} "$root"/usr/lib/systemd
    find "$root" -xdev -perm /6000 -type f | grep . && fail "a program with set-user-ID came with a package"
    return 0
}

furnish() {
    local root=$1
    mkdir -p "$root"/{etc,tmp,run/ambient,var/lib/ambient,proc,sys,dev,host}
    chmod 1777 "$root/tmp"
    printf 'root:x:0:0:root:/:/nonexistent\nambient-node:x:64000:64000::/:/nonexistent\nambient-controller:x:64001:64001::/:/nonexistent\n' >"$root/etc/passwd"
    printf 'root:x:0:\nambient-node:x:64000:\nambient-controller:x:64001:\n' >"$root/etc/group"
    # The C library's own default asks more than files and DNS.
    printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$root/etc/nsswitch.conf"
}

pack() { tar --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=posix --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime -C "$1" -cf "$2" .; }

blob() { # FILE: moves it among the blobs, and prints its digest
    local digest
    digest=$(sha256sum -- "$1") && digest=${digest%% *}
    mv -- "$1" "$layout/blobs/sha256/$digest"
    printf '%s' "$digest"
}

archive() {
    local programs=$1 output=$2 name=$3 work root arch layer config manifest size
    epoch=$4
    arch=$(dpkg --print-architecture)
    work=$(mktemp -d -t ambient-image.XXXXXX)
    # shellcheck disable=SC2064
    trap "rm -rf -- '$work'" EXIT
    chmod 755 "$work"
    root=$work/root layout=$work/layout
    mkdir -p "$root" "$layout/blobs/sha256"
    root_of_packages "$root" "$work"
    furnish "$root"
    cp -a -- "$programs/." "$root/"
    pack "$root" "$work/layer"
    size=$(stat -c %s "$work/layer")
    layer=$(blob "$work/layer")
    local created
    created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
    printf '{"architecture":"%s","os":"linux","created":"%s","config":{"User":"64000:64000","WorkingDir":"/","Env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin","DOTNET_EnableDiagnostics=0"],"Entrypoint":["/usr/bin/ambientctl"],"Labels":{"org.opencontainers.image.title":"ambient"}},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created":"%s","created_by":"ambient.sh image"}]}' \
        "$arch" "$created" "$layer" "$created" >"$work/config"
    local config_size
    config_size=$(stat -c %s "$work/config")
    config=$(blob "$work/config")
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%s}]}' \
        "$config" "$config_size" "$layer" "$size" >"$work/manifest"
    local manifest_size
    manifest_size=$(stat -c %s "$work/manifest")
    manifest=$(blob "$work/manifest")
    # An OCI layout, and docker's own index beside it: whoever loads it reads the one that it knows.
    printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"io.containerd.image.name":"%s","org.opencontainers.image.ref.name":"%s"},"platform":{"architecture":"%s","os":"linux"}}]}' \
        "$manifest" "$manifest_size" "$name" "${name##*:}" "$arch" >"$layout/index.json"
    printf '[{"Config":"blobs/sha256/%s","RepoTags":["%s"],"Layers":["blobs/sha256/%s"]}]' "$config" "$name" "$layer" >"$layout/manifest.json"
    pack "$layout" "$work/archive"
    mkdir -p -- "$(dirname -- "$output")"
    mv -- "$work/archive" "$output"
    printf '%s  %s  sha256:%s\n' "$output" "$name" "$manifest"
}

"$@"
