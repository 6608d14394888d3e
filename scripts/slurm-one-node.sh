#!/bin/sh
# Runs an experiment through a real Slurm of one node and compares its table with a local run's.
#
# Usage: slurm-one-node.sh [DART_EXP [FILE.yaml [OPTIONS of run...]]]
#
# Needs Debian's packages slurm-wlm and munge (`apt-get install slurm-wlm munge`). The cluster is
# private: its own configuration, key, sockets and logs in a temporary folder, its daemons run as the
# calling user and end with the script; a Slurm that the machine belongs to is not touched.
set -eu

program=$(realpath "${1-target/debug/dart-exp}")
[ $# -eq 0 ] || shift
experiment=${1-experiments/smoke.yaml}
[ $# -eq 0 ] || shift

for tool in slurmctld slurmd munged sbatch mungekey; do
    PATH=$PATH:/usr/sbin command -v $tool >/dev/null || {
        echo "slurm-one-node: $tool is not there; apt-get install slurm-wlm munge" >&2
        exit 1
    }
done
PATH=$PATH:/usr/sbin

work=$(mktemp -d)
chmod 755 "$work"
daemons=
cleanup() {
    code=$?
    for daemon in $daemons; do kill "$daemon" 2>/dev/null || true; done
    for daemon in $daemons; do wait "$daemon" 2>/dev/null || true; done
    if [ $code -eq 0 ]; then rm -rf "$work"; else echo "slurm-one-node: logs in $work" >&2; fi
    exit $code
}
trap cleanup EXIT
trap 'exit 130' INT TERM

user=$(id -un)
host=$(hostname -s)
mkdir -m 700 "$work/munge"
mkdir "$work/state" "$work/spool"
mungekey --create --keyfile "$work/munge/key"
munged --foreground --force --key-file "$work/munge/key" --socket "$work/munge/socket" \
    --pid-file "$work/munge/pid" --seed-file "$work/munge/seed" --num-threads 2 \
    --log-file "$work/munge/log" 2>"$work/munged.err" &
daemons="$daemons $!"

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
memory=$(awk '/^MemTotal:/ {print int($2 / 1024)}' /proc/meminfo)
cat > "$work/slurm.conf" <<END
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=2
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF="$work/slurm.conf"
slurmctld -D -c >"$work/slurmctld.log" 2>&1 &
daemons="$daemons $!"
slurmd -D >"$work/slurmd.log" 2>&1 &
daemons="$daemons $!"

seconds=0
until sinfo --noheader --format=%T 2>/dev/null | grep -q idle; do
    seconds=$((seconds + 1))
    [ $seconds -le 60 ] || { echo "slurm-one-node: the node does not come up" >&2; exit 1; }
    sleep 1
done
echo "a Slurm $(sinfo --version | cut -d' ' -f2) of one node, $(nproc) processors, is up"

"$program" run "$experiment" --results "$work/local" --quiet "$@"
"$program" slurm "$experiment" --results "$work/cluster" --tasks 3 "$@"
while squeue --noheader | grep -q .; do sleep 1; done

local=$(dirname "$work"/local/*/table.md)
cluster=$(dirname "$work"/cluster/*/table.md)
[ -f "$cluster/table.md" ] || { cat "$work"/cluster/*/slurm-*.log >&2; echo "slurm-one-node: no table" >&2; exit 1; }
diff "$local/table.md" "$cluster/table.md"
diff "$local/summary.csv" "$cluster/summary.csv"
diff -r "$local/predictions" "$cluster/predictions"
shards=$(find "$cluster/shards" -mindepth 1 -maxdepth 1 | wc -l)
echo "the same table, summary and predictions from $shards shards as from the local run"
