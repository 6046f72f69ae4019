"""What people type, in the order in which they type it.

`<WORD` at the end hands over the document of that name, and `EDIT=` before it is what the editor
does to the file. `PAUSE` lets a second begin: the moments in managedFields are whole ones.
"""

from __future__ import annotations

SCRIPTS: dict[str, str] = {
    "small kinds": """
        create configmap c --from-literal=k=v
        create configmap c --from-literal=k=v
        create secret generic s --from-literal=k=v
        create serviceaccount builder
        create role reader --verb=get,list --resource=pods,deployments.apps
        create rolebinding readers --role=reader --user=bob --group=devs --serviceaccount=x:y
        create namespace NAMESPACE-more
        get configmap c -o yaml
        get configmap c -o json
        get secret s -o yaml
        get role reader -o yaml
        get rolebinding readers -o yaml
        get namespace NAMESPACE-more -o yaml
        get configmap,secret
        get configmaps c -o name
        get configmap c -o jsonpath={.data.k}
        get configmap c -o go-template={{.data.k}}
        get configmap c -o custom-columns=NAME:.metadata.name,K:.data.k
        get configmap c --show-labels
        get roles,rolebindings -o wide
        describe configmap c
        describe secret s
        describe role reader
        describe rolebinding readers
        describe namespace NAMESPACE-more
        delete configmap c
        delete secret/s role/reader rolebinding/readers
        get configmap c
        get nothing
        get configmap none
        delete configmap none --ignore-not-found
        delete namespace NAMESPACE-more --timeout=50s
    """,
    "pods and workloads": """
        create -f - <pod
        create -f - <service
        create -f - <deployment
        get pods
        get pod lone -o wide
        get pod lone -o yaml
        get pods -l app=lone -o name
        get pods -l app!=lone
        get pods --field-selector=metadata.name=lone --no-headers
        get deployment shop
        get deployment shop -o wide
        get deployment shop -o yaml
        get service front
        get service front -o yaml
        describe pod lone
        describe deployment shop
        describe service front
        set image deployment/shop a=a:9
        get deployment shop -o jsonpath={.spec.template.spec.containers[*].image}
        patch deployment shop \
            -p {"spec":{"template":{"spec":{"containers":[{"name":"b","image":"b:2"}]}}}}
        patch deployment shop \
            -p {"spec":{"template":{"spec":{"containers":[{"name":"b","$patch":"delete"}]}}}}
        patch deployment shop -p {"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}
        patch deployment shop -p {"spec":{"template":{"spec":{"containers":[{"image":"z"}]}}}}
        patch deployment shop -p {"spec":{"selector":{"matchLabels":{"app":"other"}}}}
        patch deployment shop --type=json -p [{"op":"replace","path":"/spec/replicas","value":3}]
        get deployment shop -o jsonpath={.spec}
        label pod lone team=x
        label pod lone team=y
        label pod lone team=y --overwrite
        label pod lone team-
        annotate pod lone note=z --overwrite
        patch pod lone -p {"spec":{"nodeName":"other"}}
        delete pod lone --grace-period=0 --force
        delete deployment,service --all
    """,
    "custom resources": """
        create -f - <probe
        create -f - <probe
        get probes
        get probe a -o wide
        get prob a -o name
        get probe a -o yaml
        get probe a -o json
        get probes --show-labels
        get probes -o custom-columns=N:.spec.n
        get probes --sort-by=.spec.n
        describe probe a
        label probe a team=x
        annotate probe a note=y
        get probes -L team
        patch probe a --type=merge -p {"spec":{"n":4}}
        patch probe a --type=json -p [{"op":"remove","path":"/spec/value"}]
        patch probe a --type=json -p [{"op":"remove","path":"/spec/none"}]
        patch probe a --type=strategic -p {"spec":{"n":4}}
        patch probe a --type=merge -p {"spec":{"n":44}}
        patch probe none --type=merge -p {}
        replace -f - <probe-changed
        get probe a -o jsonpath={.spec}
        EDIT=s/n:.3/n:5/ edit probe a
        get probe a -o jsonpath={.spec.n}
        EDIT=s/n:.5/n:55/ edit probe a
        wait probe/a --for=delete --timeout=1s
        get probes --all-namespaces --field-selector=metadata.namespace=NAMESPACE
        delete probe a --wait=false
        wait probe/a --for=delete --timeout=20s
        get probe a
    """,
    "client-side apply": """
        apply -f - <probe
        apply -f - <probe
        PAUSE
        diff -f - <probe-changed
        apply -f - <probe-changed
        get probe a -o yaml
        apply --dry-run=server -f - <probe
        get probe a -o jsonpath={.spec.n}
        apply view-last-applied probe a
        apply -f - <deployment
        get deployment shop -o yaml
        PAUSE
        diff -f - <deployment-changed
        apply -f - <deployment-changed
        get deployment shop -o jsonpath={.spec.template.spec.containers[*].image}
        apply -f - <deployment-recreate
        get deployment shop -o jsonpath={.spec.strategy}
        apply -f - <map
        apply -f - <map-changed
        get configmap settings -o jsonpath={.data}
        delete -f - <probe
        delete -f - <deployment
    """,
    "server-side apply": """
        apply --server-side -f - <typed
        apply --server-side -f - <typed
        get typed t -o yaml
        apply --server-side --field-manager=other -f - <typed-other
        apply --server-side --field-manager=other -f - <typed-conflict
        apply --server-side --field-manager=other --force-conflicts -f - <typed-conflict
        get typed t -o jsonpath={.spec}
        apply --server-side -f - <typed-less
        apply --server-side --field-manager=third --force-conflicts -f - <typed-less
        get typed t -o jsonpath={.spec}
        apply --server-side --dry-run=server --field-manager=fourth -f - <typed-other
        apply --server-side -f - <map
        apply --server-side --field-manager=other -f - <map-conflict
        apply --server-side --field-manager=other --force-conflicts -f - <map-conflict
        apply --server-side -f - <map-changed
        get configmap settings -o jsonpath={.data}
        patch configmap settings -p {"data":{"b":"5"}}
        apply --server-side -f - <map
        PAUSE
        diff --server-side -f - <map-changed
        delete configmap settings
        apply -f - <map
        apply --server-side -f - <map
        apply --server-side -f - <map-conflict
        get configmap settings -o jsonpath={.data}
        delete typed t
    """,
    "refusals": """
        create -f - <probe-wrong
        create -f - <probe-incomplete
        apply --server-side -f - <typed-unknown
        get probe b
        create configmap Wrong_Name
        create role r --verb=get --resource=nothings
        label configmap none a=b
        annotate probe none a=b
        delete probe none
        delete nothing x
        get probes -l team=in(
        get probes --field-selector=spec.n=1
        get --raw /apis/testing.faultbridge.dev/v9
        get --raw /nothing
        --as=bob get pods
        --as=bob create configmap c
        --as=bob delete probe a
        --as=bob get namespaces
        --as=bob auth can-i create pods
        --token=wrong get pods
    """,
    "more ways to make and to look": """
        create deployment web --image=web:1
        run solo --image=solo:1
        create service clusterip inner --tcp=80:8080
        expose deployment web --port=80
        get service web -o jsonpath={.spec.selector}{.spec.ports}
        get deployment web -o yaml
        get pod solo -o yaml
        get all
        create -f - <list
        get -f - <list
        get configmaps listed-a listed-b -o name
        get configmaps -o jsonpath={.items[*].metadata.name}
        label configmaps --all team=x
        replace --force -f - <map
        apply -f - <list
        delete -f - <list
        delete deployment web --cascade=orphan
        delete pod solo --cascade=foreground
        set env deployment/none A=b
        create clusterrole NAMESPACE-role --verb=get --non-resource-url=/healthz
        create clusterrolebinding NAMESPACE-binding --clusterrole=NAMESPACE-role --user=eve
        get clusterrole NAMESPACE-role -o yaml
        describe clusterrolebinding NAMESPACE-binding
        --as=eve get --raw /healthz
        --as=eve auth can-i get /healthz
        delete clusterrolebinding/NAMESPACE-binding clusterrole/NAMESPACE-role
        get crd probes.testing.faultbridge.dev
        get crd probes.testing.faultbridge.dev \
            -o jsonpath={.status.acceptedNames}{.status.storedVersions}
        get events
    """,
    "waiting": """
        create -f - <probe
        wait probe/a --for=jsonpath={.status.phase}=Done --timeout=1s
        patch probe a --type=merge -p {"status":{"phase":"Done"}}
        wait probe/a --for=jsonpath={.status.phase}=Done --timeout=20s
        wait probe/a --for=condition=Ready --timeout=1s
        wait crd/probes.testing.faultbridge.dev --for=condition=Established --timeout=20s
        wait probe/none --for=delete --timeout=1s
        wait probe/none --for=condition=Ready --timeout=1s
        wait probes --all --for=jsonpath={.status.phase}=Done --timeout=20s
        delete probe a --wait=true
    """,
    "deleting": """
        create -f - <held
        delete configmap held --timeout=1s
        get configmap held -o jsonpath={.metadata.finalizers}{.metadata.deletionGracePeriodSeconds}
        describe configmap held
        patch configmap held --type=merge \
            -p {"metadata":{"finalizers":["testing.faultbridge.dev/hold","a.b/more"]}}
        patch configmap held --type=merge -p {"metadata":{"finalizers":null}}
        get configmap held
        create -f - <probe
        delete probe a --dry-run=server
        delete probe a --dry-run=client
        delete probes --all
        create -f - <probe
        delete probes -l none=here
        delete probe a --now
        delete configmap one two
    """,
    "dry runs": """
        create -f - --dry-run=server -o name <probe
        create -f - --dry-run=server -o yaml <map
        create -f - --dry-run=client -o yaml <map
        apply -f - --dry-run=server <probe
        apply -f - --dry-run=server <deployment
        apply -f - --dry-run=server --server-side <map
        create -f - --dry-run=server <probe-wrong
        get probe a
        create -f - <probe
        patch probe a --type=merge --dry-run=server -p {"spec":{"n":4}} -o jsonpath={.spec.n}
        annotate probe a x=y --dry-run=server
        label probe a x=y --dry-run=server
        get probe a -o jsonpath={.spec.n}{.metadata.labels}
        delete probe a
    """,
    "explaining": """
        explain --output=plaintext-openapiv2 probe
        explain --output=plaintext-openapiv2 probe --recursive
        explain --output=plaintext-openapiv2 probe.spec
        explain --output=plaintext-openapiv2 probe.spec.l.k
        explain --output=plaintext-openapiv2 probe.spec.nothing
        explain --output=plaintext-openapiv2 probe.spec.none
        explain --output=plaintext-openapiv2 typeds.spec.items
        explain --output=plaintext-openapiv2 networkchaos.spec.delay
        explain --output=plaintext-openapiv2 networkchaos.spec.selector
        explain --output=plaintext-openapiv2 networkchaos --recursive
        explain --output=plaintext-openapiv2 nothing
        explain --output=plaintext-openapiv2 configmap.none
    """,
    "what there is": """
        api-resources --api-group=testing.faultbridge.dev
        api-resources --api-group=testing.faultbridge.dev -o wide
        api-resources --api-group=chaos-mesh.org -o name
        api-resources --api-group=rbac.authorization.k8s.io
        api-resources --api-group=authorization.k8s.io
        auth can-i create pods
        auth can-i get probes.testing.faultbridge.dev
        auth can-i get /healthz
        auth can-i --list
        --as=bob auth can-i --list
        --as=bob auth can-i get pods
        --as=bob auth can-i get pods/log
    """,
    "chaos": """
        create -f - <delay
        get networkchaos
        get networkchaos slow -o wide
        get networkchaos slow -o yaml
        describe networkchaos slow
        annotate networkchaos slow experiment.chaos-mesh.org/pause=true
        patch networkchaos slow --type=merge -p {"metadata":{"finalizers":["chaos-mesh/records"]}}
        patch networkchaos slow --type=merge -p {"status":{"experiment":{"desiredPhase":"Run"}}}
        patch networkchaos slow --subresource=status --type=merge \
            -p {"status":{"experiment":{"desiredPhase":"Stop"}}}
        get networkchaos slow -o jsonpath={.status.experiment.desiredPhase}
        delete networkchaos slow --timeout=1s
        patch networkchaos slow --type=merge -p {"metadata":{"finalizers":[]}}
        get networkchaos slow
        create -f - <delay-wrong
    """,
}


def commands(script: str) -> list[tuple[list[str], str, str]]:
    """Split a script into commands: their arguments, document and edit."""
    found = []
    for line in script.strip().splitlines():
        words = line.split()
        document = words.pop()[1:] if words[-1].startswith("<") else ""
        edit = words.pop(0).removeprefix("EDIT=") if words[0].startswith("EDIT=") else ""
        found.append((words, document, edit))
    return found
