"""The small service of the cases: its WSDL, its good answer, and documents that are made large or nasty."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape, quoteattr

NAMESPACE = "urn:ptt"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE12 = "http://www.w3.org/2003/05/soap-envelope"
# canonical operation of the driver → operation of the WSDL. All answer with {urn:ptt}R, which holds r (a name) and s.
OPERATIONS = {"get_user": "readOne", "lock_user": "lockOne", "unlock_user": "unlockOne", "create_user": "makeOne",
              "modify_user": "changeOne", "delete_user": "dropOne", "set_password": "passwordOne"}
XML = ("Content-Type", "text/xml; charset=utf-8")


def profile_data(operations: Mapping[str, str] = OPERATIONS) -> dict[str, object]:
    """A profile for the service, in the form of a profile file."""
    arguments = {"name": "a"}
    wide = {"name": "a", "alias": "b"}
    entries: dict[str, object] = {}
    for canonical, call in operations.items():
        entry: dict[str, object] = {"call": call, "arguments": wide if canonical in ("create_user", "modify_user") else arguments}
        if canonical == "set_password":
            entry["arguments"] = {"name": "a", "password": "b"}
        elif canonical != "delete_user":
            entry["answer"] = ""
        entries[canonical] = entry
    return {"code": "case", "title": "Conformance case", "user": {"name": "r", "alias": "s"}, "operations": entries}


def wsdl(address: str, operations: Mapping[str, Iterable[str]], *, schema: str = "", top: str = "", style: str = "document",
         use: str = "literal", soap: str = "1.1", prolog: str = "", imports: str = "", padding: int = 0,
         service: bool = True) -> bytes:
    """operation → names of its faults. `schema` goes into the schema, `imports` before the types, `padding` in bytes."""
    binding = {"1.1": "http://schemas.xmlsoap.org/wsdl/soap/", "1.2": "http://schemas.xmlsoap.org/wsdl/soap12/"}[soap]
    faults = list(dict.fromkeys(name for names in operations.values() for name in names))
    text = "".join(f'<xs:element name="{n}" minOccurs="0" type="xs:string"/>' for n in ("a", "b"))
    prolog = prolog or '<?xml version="1.0" encoding="UTF-8"?>'
    out = [f'{prolog}<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"'
           f' xmlns:soap="{binding}" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="{NAMESPACE}"'
           f' targetNamespace="{NAMESPACE}">{top}{imports}'
           f'<types><xs:schema targetNamespace="{NAMESPACE}" elementFormDefault="qualified">{schema}'
           '<xs:element name="R"><xs:complexType><xs:sequence><xs:element name="r" type="xs:string"/>'
           '<xs:element name="s" type="xs:string" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>']
    out += [f'<xs:element name="{n}"><xs:complexType><xs:sequence>{text}</xs:sequence></xs:complexType></xs:element>'
            for n in operations]
    out += [f'<xs:element name="{n}"><xs:complexType><xs:sequence><xs:element name="message" type="xs:string"'
            ' minOccurs="0"/></xs:sequence></xs:complexType></xs:element>' for n in faults]
    if padding:
        size, number = 0, 0
        while size < padding:       # half types, half text
            one = (f'<xs:complexType name="T{number}"><xs:annotation><xs:documentation>{"x" * 9000}'
                   f'</xs:documentation></xs:annotation><xs:sequence>{text}</xs:sequence></xs:complexType>')
            out.append(one)
            size, number = size + len(one), number + 1
    part = 'element="t:{0}"' if style == "document" else 'type="xs:string"'
    out.append("</xs:schema></types>")
    out += [f'<message name="{n}"><part name="p" {part.format(n)}/></message>' for n in operations]
    out += [f'<message name="{n}"><part name="p" element="t:{n}"/></message>' for n in faults]
    out.append(f'<message name="R"><part name="p" {part.format("R")}/></message><portType name="P">')
    for name, names in operations.items():
        declared = "".join(f'<fault name="{f}" message="t:{f}"/>' for f in names)
        out.append(f'<operation name="{name}"><input message="t:{name}"/><output message="t:R"/>{declared}</operation>')
    coding = f' encodingStyle="http://schemas.xmlsoap.org/soap/encoding/" namespace="{NAMESPACE}"' if use == "encoded" else ""
    out.append(f'</portType><binding name="B" type="t:P"><soap:binding style="{style}"'
               ' transport="http://schemas.xmlsoap.org/soap/http"/>')
    for name, names in operations.items():
        declared = "".join(f'<fault name="{f}"><soap:fault name="{f}" use="{use}"/></fault>' for f in names)
        out.append(f'<operation name="{name}"><soap:operation soapAction="{NAMESPACE}#{name}"/><input><soap:body use="{use}"'
                   f'{coding}/></input><output><soap:body use="{use}"{coding}/></output>{declared}</operation>')
    out.append("</binding>")
    if service:
        out.append(f'<service name="S"><port name="Q" binding="t:B"><soap:address location={quoteattr(address)}/></port></service>')
    out.append("</definitions>")
    return "".join(out).encode()


def envelope(content: str, *, namespace: str = ENVELOPE, prolog: str = "") -> str:
    return f'{prolog}<soap:Envelope xmlns:soap="{namespace}"><soap:Body>{content}</soap:Body></soap:Envelope>'


def good(name: str, alias: str = "", *, inside: str = "") -> str:
    second = f"<s>{escape(alias)}</s>" if alias else ""
    return envelope(f'<R xmlns="{NAMESPACE}"><r>{inside or escape(name)}</r>{second}</R>')


def fault(text: str, *, code: str = "Server", detail: str = "") -> str:
    inner = f"<detail>{detail}</detail>" if detail else ""
    return envelope(f"<soap:Fault><faultcode>soap:{code}</faultcode><faultstring>{escape(text)}</faultstring>{inner}</soap:Fault>")


def fault12(text: str, code: str = "Receiver") -> str:
    return envelope(f'<soap:Fault><soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code><soap:Reason>'
                    f'<soap:Text xml:lang="en">{escape(text)}</soap:Text></soap:Reason></soap:Fault>', namespace=ENVELOPE12)


def laughs(root: str = "") -> str:
    """A document type whose entities double ten-fold nine times; `root` follows it."""
    lines = ['<!ENTITY e0 "lol">']
    for level in range(1, 10):
        ten = f"&e{level - 1};" * 10
        lines.append(f'<!ENTITY e{level} "{ten}">')
    return f'<?xml version="1.0"?><!DOCTYPE d [{"".join(lines)}]>{root}'


def quadratic() -> str:
    """One long entity, used very often: 50,000 × 50,000 characters."""
    long = "A" * 50_000
    return f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x "{long}">]>' + good("", inside="&x;" * 50_000)


def stream(before: str, size: int, after: str) -> Iterable[bytes]:
    """`size` letters between two texts, made while they are sent."""
    yield before.encode()
    block = b"A" * 65536
    while size > 0:
        yield block[:size]
        size -= len(block)
    yield after.encode()


def bomb(size: int) -> bytes:
    """`size` bytes of answer, packed."""
    return gzip.compress(b"".join(stream(good("")[:-1], size, ">")))


def multipart(content: str) -> tuple[tuple[str, str], bytes]:
    head = ("Content-Type", 'multipart/related; type="application/xop+xml"; start="<root@case>"; boundary="b1"')
    body = (f'--b1\r\nContent-Type: application/xop+xml; charset=UTF-8; type="text/xml"\r\nContent-ID: <root@case>\r\n\r\n{content}'
            "\r\n--b1--\r\n").encode()
    return head, body
