#!/usr/bin/env bash
# Steps of a training that two processes share over a network of so much latency: two network namespaces of this machine, and between them a
# wire that takes its time (build/bench/wire.py). Prints a table for docs/scale.md.
#
# usage: build/latency.sh PROGRAM DATA.bin [MILLISECONDS...]
#   PROGRAM is the resnet.dll that dotnet build src/Samples -c Release leaves. Needs root, /dev/net/tun, iproute2, Open MPI and MPICH; without
#   them it says so and ends with 2. The default is 0 1 5 milliseconds each way. LAUNCHERS names one of the two alone.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$#" -ge 2 ] || { sed -n '2,/^set /{/^#/p}' "$0"; exit 1; }
program=$(realpath "$1") data=$(realpath "$2")
shift 2
[ "$#" -gt 0 ] || set -- 0 1 5
wires=$PWD/build/bench/wire.py
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1 UCX_TLS=tcp,self UCX_NET_DEVICES=mpi0
export RESNET_HOSTS=resnet-$$
[ "$(id -u)" = 0 ] && [ -c /dev/net/tun ] && ip netns add "$RESNET_HOSTS-1" 2>/dev/null \
    || { echo "No two hosts: network namespaces and /dev/net/tun, which root may use, are needed."; exit 2; }
ip netns add "$RESNET_HOSTS-2"
work=$(mktemp -d)
wire=
clean() {
    for host in 1 2; do
        ip netns pids "$RESNET_HOSTS-$host" | xargs -r kill || true
        ip netns del "$RESNET_HOSTS-$host"
    done
    [ -z "$wire" ] || kill "$wire"
    rm -rf "$work"
}
trap clean EXIT

# What mpirun starts instead of ssh: the last number of the address is the host's.
cat > "$work/agent" <<'AGENT'
#!/usr/bin/env bash
while [[ $1 == -* ]]; do shift; done
host=${1##*.}; shift
exec ip netns exec "$RESNET_HOSTS-$host" unshare --uts bash -c "hostname rank$host; $*"
AGENT
chmod +x "$work/agent"

lay_wire() { # lay_wire MILLISECONDS
    [ -z "$wire" ] || { kill "$wire"; wait "$wire" 2>/dev/null || true; }
    nice -n -15 python3 "$wires" "wire$$-1" "wire$$-2" "$1" > "$work/wire" &
    wire=$!
    until grep -q ready "$work/wire"; do sleep 0.1; done
    for host in 1 2; do
        ip link set "wire$$-$host" netns "$RESNET_HOSTS-$host"
        ip -n "$RESNET_HOSTS-$host" link set lo up
        ip -n "$RESNET_HOSTS-$host" link set "wire$$-$host" name mpi0
        ip -n "$RESNET_HOSTS-$host" addr add "10.77.0.$host/24" dev mpi0
        ip -n "$RESNET_HOSTS-$host" link set mpi0 mtu 32768 up
    done
}

train() { # train LAUNCHER
    local launcher
    case $1 in
    mpirun.openmpi) launcher=(--oversubscribe --bind-to none --host 10.77.0.1:1,10.77.0.2:1 -x OMP_NUM_THREADS --mca plm_rsh_agent "$work/agent"
        --mca pml ob1 --mca btl tcp,self --mca btl_tcp_if_include mpi0 --mca oob_tcp_if_include mpi0) ;;
    mpirun.mpich) launcher=(-launcher ssh -launcher-exec "$work/agent" -hosts 10.77.0.1,10.77.0.2 -iface mpi0 -ppn 1) ;;
    esac
    ip netns exec "$RESNET_HOSTS-1" "$1" "${launcher[@]}" -n 2 dotnet "$program" train --data "$data" --train-rows 512 --architecture cifar-8 \
        --epochs 12 --batch-size 64 --device cpu --output "$work/model.zip" > "$work/told" 2> "$work/errors" || { cat "$work/errors"; exit 1; }
    # of the fastest epoch, because other work only ever slows down
    awk -v exchanges="$(tr -s '\n ' ' ' < "$work/told" | grep -o 'taken [0-9.]* exchanges' | cut -d' ' -f2)" \
        '$1 ~ /^[0-9]+$/ && NF == 5 && $5 > best { best = $5 } END { printf "%d %.1f\n", exchanges, 64000 / best }' "$work/told"
}

echo "| launcher | latency, ms | exchanges a step | the model adds, ms a step | step, ms | added, ms | beyond the model, in latencies |"
echo "|---|---|---|---|---|---|---|"
for launcher in ${LAUNCHERS:-mpirun.openmpi mpirun.mpich}; do
    first=
    for latency in "$@"; do
        lay_wire "$latency"
        read -r exchanges step < <(train "$launcher")
        first=${first:-$latency $step}
        awk -v l="$launcher" -v d="$latency" -v e="$exchanges" -v s="$step" -v first="$first" 'BEGIN {
            split(first, f, " "); more = d - f[1]
            printf "| %s | %g | %d | %.0f | %.0f | %.0f | %s |\n", l, d, e, e * more, s, s - f[2],
                more > 0 ? sprintf("%.0f", (s - f[2]) / more - e) : "" }'
    done
done
