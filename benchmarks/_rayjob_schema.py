"""What a RayJob of `ray.io/v1` may hold, as a JSON schema: strict, and of pods as far as our manifest goes.

The fields and their types are those that KubeRay's resource definition (`ray.io_rayjobs.yaml`, Apache licence 2.0) and
its API reference 1.6 list, written anew here: that file is over a megabyte, nearly all of it Kubernetes' own pods. Who
has the file checks against the whole of it: `python benchmarks/cluster_files.py --crd ray.io_rayjobs.yaml`.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
NUMBER: Schema = {"type": "number"}
LABELS: Schema = {"type": "object", "additionalProperties": TEXT}
QUANTITY: Schema = {
    "anyOf": [
        {"type": "integer"},
        {"type": "string", "pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$"},
    ]
}
QUANTITIES: Schema = {"type": "object", "additionalProperties": QUANTITY}


def table(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """An object with these keys and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def rows(item: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": item}


def one_of(*words: str) -> Schema:
    """One of some words."""
    return {"type": "string", "enum": list(words)}


CONTAINER = table(
    ("name",),
    name=TEXT,
    image=TEXT,
    imagePullPolicy=TEXT,
    command=rows(TEXT),
    args=rows(TEXT),
    env=rows(table(("name",), name=TEXT, value=TEXT, valueFrom={"type": "object"})),
    ports=rows(table(("containerPort",), containerPort=COUNT, name=TEXT, protocol=TEXT)),
    resources=table(limits=QUANTITIES, requests=QUANTITIES),
    volumeMounts=rows(table(("mountPath", "name"), mountPath=TEXT, name=TEXT, readOnly=FLAG, subPath=TEXT)),
)
VOLUME = table(
    ("name",), name=TEXT, persistentVolumeClaim=table(("claimName",), claimName=TEXT, readOnly=FLAG), emptyDir=table()
)
TEMPLATE = table(
    metadata={"type": "object"},
    spec=table(
        ("containers",),
        containers={**rows(CONTAINER), "minItems": 1},
        volumes=rows(VOLUME),
        restartPolicy=TEXT,
        terminationGracePeriodSeconds=COUNT,
        nodeSelector=LABELS,
        serviceAccountName=TEXT,
        tolerations=rows({"type": "object"}),
    ),
)
HEAD_GROUP = table(
    ("template",),
    rayStartParams=LABELS,
    template=TEMPLATE,
    serviceType=TEXT,
    enableIngress=FLAG,
    headService={"type": "object"},
    resources=LABELS,
    labels=LABELS,
)
WORKER_GROUP = table(
    ("groupName", "maxReplicas", "minReplicas", "template"),
    groupName=TEXT,
    replicas=COUNT,
    minReplicas=COUNT,
    maxReplicas=COUNT,
    numOfHosts=COUNT,
    idleTimeoutSeconds=COUNT,
    suspend=FLAG,
    rayStartParams=LABELS,
    template=TEMPLATE,
    resources=LABELS,
    labels=LABELS,
    scaleStrategy={"type": "object"},
)
CLUSTER = table(
    ("headGroupSpec",),
    rayVersion=TEXT,
    suspend=FLAG,
    managedBy=TEXT,
    enableInTreeAutoscaling=FLAG,
    autoscalerOptions={"type": "object"},
    authOptions=table(mode=one_of("disabled", "token"), secretName=TEXT),
    gcsFaultToleranceOptions={"type": "object"},
    upgradeStrategy={"type": "object"},
    headServiceAnnotations=LABELS,
    headGroupSpec=HEAD_GROUP,
    workerGroupSpecs=rows(WORKER_GROUP),
)
RAY_JOB = table(
    ("apiVersion", "kind", "metadata", "spec"),
    apiVersion=one_of("ray.io/v1"),
    kind=one_of("RayJob"),
    metadata=table(("name",), name=TEXT, namespace=TEXT, labels=LABELS, annotations=LABELS),
    spec=table(
        entrypoint=TEXT,
        runtimeEnvYAML=TEXT,
        jobId=TEXT,
        metadata=LABELS,
        submissionMode=one_of("K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"),
        submitterConfig=table(backoffLimit=COUNT),
        submitterPodTemplate={"type": "object"},
        backoffLimit=COUNT,
        activeDeadlineSeconds=COUNT,
        preRunningDeadlineSeconds=COUNT,
        ttlSecondsAfterFinished=COUNT,
        shutdownAfterJobFinishes=FLAG,
        deletionStrategy={"type": "object"},
        suspend=FLAG,
        managedBy=TEXT,
        clusterSelector=LABELS,
        entrypointNumCpus=NUMBER,
        entrypointNumGpus=NUMBER,
        entrypointResources=TEXT,
        rayClusterSpec=CLUSTER,
    ),
)
