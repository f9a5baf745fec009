"""The interface as data, and the WSDL written from it: SOAP 1.1 over HTTP, document/literal wrapped."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

NAMESPACE = "urn:ptt-simulator:1"

# operation → (elements of the request, elements of the answer); "?" optional, "*" repeated
OPERATIONS: dict[str, tuple[str, str]] = {
    "ping": ("", "version users:int groups:int"),
    "createUser": ("userName displayName? msisdn? pttMode? device? network? services?:Codes permissions?:Codes"
                   " enabled?:boolean password?", "user:User"),
    "modifyUser": ("userName displayName? msisdn? pttMode? device? network? services?:Codes permissions?:Codes",
                   "user:User"),
    "deleteUser": ("userName", "deleted:boolean"),
    "setPassword": ("userName password", "changed:boolean"),
    "lockUser": ("userName", "user:User"),
    "unlockUser": ("userName", "user:User"),
    "getUser": ("userName", "user:User"),
    "listUsers": ("offset:int limit:int", "total:int user*:User"),
    "createGroup": ("groupName title? members?:Members", "memberCount:int"),
    "modifyGroup": ("groupName title", "changed:boolean"),
    "deleteGroup": ("groupName", "deleted:boolean"),
    "addMember": ("groupName userName", "changed:boolean"),
    "removeMember": ("groupName userName", "changed:boolean"),
    "setMembers": ("groupName members:Members", "memberCount:int"),
    "getGroup": ("groupName", "group:Group"),
    "listGroups": ("offset:int limit:int", "total:int group*:Group"),
}
TYPES = {
    "Codes": "code*",
    "Members": "userName*",
    "User": "userName displayName msisdn pttMode device network services:Codes permissions:Codes enabled:boolean",
    "Group": "groupName title members:Members",
    "Problem": "code message",
}
SIMPLE = ("string", "int", "boolean")


def elements(spec: str) -> list[tuple[str, str, str]]:
    """"a b?:int c*:User" → [(name, type, "" or "?" or "*")]"""
    found = []
    for word in spec.split():
        name, _colon, kind = word.partition(":")
        many = name[-1] if name[-1] in "?*" else ""
        found.append((name.rstrip("?*"), kind or "string", many))
    return found


def _sequence(spec: str) -> str:
    lines = []
    for name, kind, many in elements(spec):
        prefix = "xs" if kind in SIMPLE else "p"
        occurs = {"": "", "?": ' minOccurs="0"', "*": ' minOccurs="0" maxOccurs="unbounded"'}[many]
        lines.append(f'<xs:element name="{name}" type="{prefix}:{kind}"{occurs}/>')
    return "<xs:sequence>" + "".join(lines) + "</xs:sequence>"


def document(address: str, operations: dict[str, tuple[str, str]] = OPERATIONS) -> bytes:
    """The WSDL for a service at `address`; UTF-8."""
    out = ['<?xml version="1.0" encoding="UTF-8"?>',
           '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"'
           f' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:p="{NAMESPACE}" targetNamespace="{NAMESPACE}"'
           ' name="PttProvisioning">',
           f'<types><xs:schema targetNamespace="{NAMESPACE}" elementFormDefault="qualified">']
    for name, spec in TYPES.items():
        out.append(f'<xs:complexType name="{name}">{_sequence(spec)}</xs:complexType>')
    out.append('<xs:element name="Problem" type="p:Problem"/>')
    for name, (request, answer) in operations.items():
        out.append(f'<xs:element name="{name}"><xs:complexType>{_sequence(request)}</xs:complexType></xs:element>')
        out.append(f'<xs:element name="{name}Response"><xs:complexType>{_sequence(answer)}</xs:complexType>'
                   '</xs:element>')
    out.append("</xs:schema></types>")
    out.append('<message name="Problem"><part name="detail" element="p:Problem"/></message>')
    for name in operations:
        out.append(f'<message name="{name}"><part name="parameters" element="p:{name}"/></message>')
        out.append(f'<message name="{name}Response"><part name="parameters" element="p:{name}Response"/></message>')
    out.append('<portType name="Provisioning">')
    for name in operations:
        out.append(f'<operation name="{name}"><input message="p:{name}"/><output message="p:{name}Response"/>'
                   '<fault name="Problem" message="p:Problem"/></operation>')
    out.append('</portType><binding name="ProvisioningSoap" type="p:Provisioning">'
               '<soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>')
    for name in operations:
        out.append(f'<operation name="{name}"><soap:operation soapAction="{NAMESPACE}#{name}"/>'
                   '<input><soap:body use="literal"/></input><output><soap:body use="literal"/></output>'
                   '<fault name="Problem"><soap:fault name="Problem" use="literal"/></fault></operation>')
    out.append('</binding><service name="PttProvisioning"><port name="ProvisioningSoap" binding="p:ProvisioningSoap">'
               f"<soap:address location={quoteattr(address)}/></port></service></definitions>")
    return "\n".join(out).encode()
