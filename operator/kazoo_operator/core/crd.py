"""CustomResourceDefinitions from kinds: structural schemas, CEL rules, columns, and status defaults."""

from __future__ import annotations

from typing import Any

from kazoo_operator.core.custom_resource import API_VERSION, GROUP, VERSION, JsonObject
from kazoo_operator.core.kind import Kind
from kazoo_operator.core.schema import Model

_KEPT = (
    *("type", "description", "default", "enum", "pattern", "format", "minLength", "maxLength"),
    *("minimum", "maximum", "minItems", "maxItems", "minProperties", "maxProperties"),
    *("x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
)


def crd(kind: Kind) -> JsonObject:
    """The CRD of a kind, as plain JSON."""
    spec, status = _structural(kind.spec), _structural(kind.status)
    rules = [
        {
            "rule": rule.cel,
            "message": f"{rule.message}; {rule.hint} ({rule.id})",
            "fieldPath": f".{rule.path}",
        }
        for rule in kind.rules
        if rule.cel is not None
    ]
    if rules:
        spec["x-kubernetes-validations"] = rules
    # On observedGeneration itself this default would do nothing: status is absent on a new object.
    status["default"] = {"observedGeneration": -1}
    schema = {
        "description": kind.description,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": column.name, "jsonPath": column.path, "type": column.type, "priority": int(column.wide)}
            for column in kind.columns
        ],
        "schema": {"openAPIV3Schema": schema},
    }
    names = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.singular,
        "shortNames": [kind.short_name],
        "categories": ["kazoo"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def json_schema(kind: Kind) -> JsonObject:
    """The JSON Schema of a kind's manifests, for editors and kubeconform: the CRD's, and nothing unknown."""
    (version,) = crd(kind)["spec"]["versions"]
    schema = _closed(version["schema"]["openAPIV3Schema"])
    metadata = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    schema["properties"] |= {
        "apiVersion": {"type": "string", "enum": [API_VERSION]},
        "kind": {"type": "string", "enum": [kind.name]},
        "metadata": metadata,
        # What the operator writes is no business of a manifest's author.
        "status": {"type": "object"},
    }
    schema["required"] = ["apiVersion", "kind", "metadata", "spec"]
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": kind.name, **schema}


def _closed(node: JsonObject) -> JsonObject:
    kept = {name: value for name, value in node.items() if not name.startswith("x-kubernetes-")}
    if "properties" in node:
        kept["properties"] = {name: _closed(member) for name, member in node["properties"].items()}
        kept["additionalProperties"] = False
    for name in ("items", "additionalProperties"):
        if isinstance(node.get(name), dict):
            kept[name] = _closed(node[name])
    return kept


def _structural(model: type[Model]) -> JsonObject:
    """The model's JSON schema as Kubernetes wants it: inlined, without titles.

    Nothing is nullable: the API server prunes a null member that is not, so that null is absent.
    """
    schema = model.model_json_schema(by_alias=True)
    return _node(schema, schema.get("$defs", {}))


def _node(node: JsonObject, definitions: JsonObject) -> JsonObject:
    node = _inlined(node, definitions)
    kept: JsonObject = {name: node[name] for name in _KEPT if node.get(name) is not None}
    if "description" in kept:
        kept["description"] = " ".join(str(kept["description"]).split())
    if "properties" in node:
        kept["properties"] = {name: _node(member, definitions) for name, member in node["properties"].items()}
        if node.get("required"):
            kept["required"] = list(node["required"])
    for name in ("items", "additionalProperties"):
        if isinstance(node.get(name), dict):
            kept[name] = _node(node[name], definitions)
    return kept


def _inlined(node: JsonObject, definitions: JsonObject) -> JsonObject:
    """Resolve `$ref` and pydantic's `anyOf [X, null]`; what stands beside them wins over what they hold."""
    beside = {
        name: value
        for name, value in node.items()
        if name not in ("$ref", "anyOf") and not (name == "default" and value is None)
    }
    if "$ref" in node:
        return {**definitions[str(node["$ref"]).rsplit("/", 1)[-1]], **beside}
    if "anyOf" in node:
        options: list[Any] = [option for option in node["anyOf"] if option != {"type": "null"}]
        if len(options) != 1 or len(options) == len(node["anyOf"]):
            raise ValueError(f"a CRD holds no such alternative: {node['anyOf']}")
        return {**_inlined(options[0], definitions), **beside}
    return node
