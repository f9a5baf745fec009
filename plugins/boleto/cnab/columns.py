"""Tables of columns: {name: (first, last)}, counted from 1, both inclusive. What a name means is the same in every table."""

from __future__ import annotations

from datetime import date
from typing import Any

Table = dict[str, tuple[int, int]]

MONEY = frozenset({"tarifa", "valor", "valor_titulo", "valor_pago", "valor_principal", "valor_liquido", "juros", "juros_valor", "juros_dia", "juros_atraso", "desconto", "desconto_valor",
                   "abatimento", "iof", "outras_despesas", "outros_creditos"})       # two decimals, without point
DAYS = frozenset({"vencimento", "emissao", "data_ocorrencia", "data_credito"})       # DDMMAAAA or DDMMAA

T: Table = {"ocorrencia": (16, 17), "agencia": (18, 22), "conta": (24, 35), "nosso_numero": (38, 57), "carteira": (58, 58), "seu_numero": (59, 73), "vencimento": (74, 81), "valor_titulo": (82, 96),
            "banco_cobrador": (97, 99), "agencia_cobradora": (100, 104), "uso_empresa": (106, 130), "tarifa": (199, 213), "motivos": (214, 223)}
T_SANTANDER: Table = {"ocorrencia": (16, 17), "agencia": (18, 21), "conta": (23, 31), "nosso_numero": (41, 53), "carteira": (54, 54), "seu_numero": (55, 69), "vencimento": (70, 77),
                      "valor_titulo": (78, 92), "banco_cobrador": (93, 95), "agencia_cobradora": (96, 100), "uso_empresa": (101, 125), "tarifa": (194, 208), "motivos": (209, 218)}
U: Table = {"juros": (18, 32), "desconto": (33, 47), "abatimento": (48, 62), "iof": (63, 77), "valor_pago": (78, 92), "valor_liquido": (93, 107), "outras_despesas": (108, 122),
            "outros_creditos": (123, 137), "data_ocorrencia": (138, 145), "data_credito": (146, 153)}
_COMMON_400: Table = {"uso_empresa": (38, 62), "ocorrencia": (109, 110), "data_ocorrencia": (111, 116), "seu_numero": (117, 126), "vencimento": (147, 152), "valor_titulo": (153, 165),
                      "banco_cobrador": (166, 168), "agencia_cobradora": (169, 173), "tarifa": (176, 188), "iof": (215, 227), "abatimento": (228, 240), "desconto": (241, 253),
                      "juros": (267, 279), "outros_creditos": (280, 292), "data_credito": (296, 301), "sequencial": (395, 400)}
ITAU_400: Table = {**_COMMON_400, "agencia": (18, 21), "conta": (24, 28), "carteira": (83, 85), "nosso_numero": (86, 93), "valor_principal": (254, 266), "motivos": (378, 385),
                   "liquidacao": (393, 394)}
BRADESCO_400: Table = {**_COMMON_400, "carteira": (22, 24), "agencia": (25, 29), "conta": (30, 36), "nosso_numero": (71, 81), "nosso_numero_dv": (82, 82), "outras_despesas": (189, 201),
                       "juros_atraso": (202, 214), "valor_pago": (254, 266), "motivos": (319, 328)}
P: Table = {"movimento": (16, 17), "agencia": (18, 22), "conta": (24, 35), "nosso_numero": (38, 57), "carteira": (58, 58), "numero_documento": (63, 77), "vencimento": (78, 85), "valor": (86, 100),
            "especie": (107, 108), "aceite": (109, 109), "emissao": (110, 117), "juros_codigo": (118, 118), "juros_valor": (127, 141), "desconto_codigo": (142, 142),
            "desconto_valor": (151, 165), "abatimento": (181, 195), "protesto_codigo": (221, 221), "protesto_dias": (222, 223)}
Q: Table = {"pagador_tipo": (18, 18), "pagador_documento": (19, 33), "pagador_cep": (129, 136), "pagador_uf": (152, 153)}
ORDER_400: Table = {"nosso_numero_raw": (63, 82), "ocorrencia": (109, 110), "numero_documento": (111, 120), "vencimento": (121, 126), "valor": (127, 139), "banco": (140, 142), "especie": (148, 149),
                    "aceite": (150, 150), "emissao": (151, 156), "juros_dia": (161, 173), "desconto": (180, 192), "abatimento": (206, 218), "pagador_tipo": (219, 220),
                    "pagador_documento": (221, 234), "sequencial": (395, 400)}


def digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def day(text: str) -> date | None:
    """DDMMAAAA or DDMMAA; zeros, blanks and nonsense give None."""
    if not digits(text) or len(text) not in (6, 8):
        return None
    year = int(text[4:]) if len(text) == 8 else 2000 + int(text[4:])
    try:
        found = date(year, int(text[2:4]), int(text[:2]))
    except ValueError:
        return None
    return found if 1990 <= found.year < 2100 else None     # columns that slipped give years like 5000


def cut(line: str, first: int, last: int) -> str:
    return line[first - 1:last].strip()


def read(line: str, table: Table) -> dict[str, Any]:
    """{name: text, cents or day}; what is blank is left out, and so is an amount or day that is none."""
    found: dict[str, Any] = {}
    for name, (first, last) in table.items():
        text = cut(line, first, last)
        value: Any = text
        if name in MONEY:
            value = int(text) if digits(text) else None
        elif name in DAYS:
            value = day(text)
        if value not in (None, ""):
            found[name] = value
    return found
