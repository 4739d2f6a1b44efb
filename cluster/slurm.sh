#!/bin/bash
# One fit on SLURM: a Ray cluster over the nodes of the allocation, and `rallax run` on the first of them.
#
#     sbatch cluster/slurm.sh /shared/job/job.toml /shared/runs/fit [--set KEY=VALUE ...]
#
# Fill in the #SBATCH lines. Both paths must be on a file system that all nodes share. `ray`, `rallax` and `python` must
# be on PATH: activate the environment before sbatch, or name its bin directory in RALLAX_BIN.
# At the time limit, or when it is pre-empted, the fit commits, and the job queues again and goes on.

#SBATCH --job-name=rallax
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
##SBATCH --gpus-per-node=1
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@180
#SBATCH --requeue
#SBATCH --open-mode=append

set -uo pipefail

if [ $# -lt 2 ]; then
    echo "usage: sbatch slurm.sh JOB RUN [options of rallax run]" >&2
    exit 2
fi
job=$1 run=$2
shift 2
[ -z "${RALLAX_BIN:-}" ] || export PATH="$RALLAX_BIN:$PATH"

# Two jobs may share a node: ports and directory are the job's own. The token keeps everyone else out.
port=$((20000 + SLURM_JOB_ID % 10000))
directory=/tmp/ray-$SLURM_JOB_ID
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN RAY_USAGE_STATS_ENABLED=0 RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(16))')

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes[0]}
address=$(srun --nodes=1 --ntasks=1 --nodelist="$head" hostname --ip-address | awk '{print $1; exit}')

started=()
finish() {
    trap - EXIT
    [ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null
    wait
    rm -rf "$directory"
}
trap finish EXIT

common=(--num-cpus="${SLURM_CPUS_PER_TASK:-1}" --block)
[ -z "${SLURM_GPUS_ON_NODE:-}" ] || common+=(--num-gpus="$SLURM_GPUS_ON_NODE")
srun --nodes=1 --ntasks=1 --overlap --nodelist="$head" \
    ray start --head --node-ip-address="$address" --port="$port" --temp-dir="$directory" \
    --include-dashboard=false "${common[@]}" &
started+=($!)
for _ in $(seq 60); do
    ray status --address "$address:$port" >/dev/null 2>&1 && break
    sleep 1
done
for node in "${nodes[@]:1}"; do
    srun --nodes=1 --ntasks=1 --overlap --nodelist="$node" ray start --address="$address:$port" "${common[@]}" &
    started+=($!)
done

# Nodes that come later are taken up by the fit, so nothing is waited for.
rallax run "$job" --run "$run" --resume --address "$address:$port" "$@" &
fit=$!
trap 'kill -TERM $fit' TERM
wait $fit
code=$?
# A signal ends the first wait before the fit has ended.
while kill -0 $fit 2>/dev/null; do
    wait $fit
    code=$?
done
if [ $code -eq 3 ]; then
    echo "stopped; queued again, to go on with $run"
    scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
