"""The words of the measured register: invented sentences of real Swedish, as projects are described.

Compounds and inflections are there (skola, skolor, grundskolan, språkutveckling), since the search looks for
them; *projektet* stands in most texts, as it does in a real register.
"""

from __future__ import annotations

from random import Random

FIRST = (
    *("Trygg", "Grön", "Digital", "Öppen", "Hållbar", "Gemensam", "Ny", "Stark", "Klok", "Varm", "Rörlig"),
    *("Lokal", "Nordisk", "Europeisk", "Levande", "Smart", "Jämställd", "Tillgänglig"),
)
SECOND = (
    *("skola", "omsorg", "framtid", "energi", "stad", "landsbygd", "kompetens", "kultur", "natur", "hälsa"),
    *("arbetsmarknad", "samverkan", "ungdom", "integration", "innovation", "språkutveckling", "hemtjänst"),
    *("grundskola", "förskola", "vattenvård", "cykelväg", "energieffektivisering", "äldreomsorg"),
    *("kompetensförsörjning", "besöksnäring", "kulturarv", "skolbibliotek", "stadsutveckling"),
)
# {0} who, {1} what, {2} where, {3} with whom.
_SENTENCES = (
    "Projektet ska utveckla {1} för {0} {2} tillsammans med {3}.",
    "Syftet är att {0} ska få bättre tillgång till {1} {2}.",
    "Genom {1} vill kommunen nå {0} som i dag står långt från arbetsmarknaden.",
    "Arbetet sker i samverkan mellan {3} och {2}.",
    "Metoderna prövas {2}, följs upp och sprids till andra kommuner i länet.",
    "Förvaltningen ansvarar för genomförandet, och {3} bidrar med arbetstid.",
    "Målet är att fler {0} deltar i {1} och att resultaten tas till vara i den ordinarie verksamheten.",
    "Erfarenheterna från tidigare projekt om {1} visar att {3} behöver ett tydligt stöd.",
    "En förstudie om {1} {2} visade att behoven hos {0} är stora.",
    "Medfinansieringen består av {1} och av personalens tid {2}.",
    "Ansökan gäller {1}, med {3} som partner och kommunen som projektägare.",
    "Uppföljningen sker varje halvår och redovisas för {3}.",
)
_WHO = (
    *("barn och unga", "nyanlända elever", "äldre personer", "kvinnor utan arbete", "små företag"),
    *("lärare i grundskolan", "vårdnadshavare", "unga vuxna", "föreningar på landsbygden", "invånarna"),
)
_WHAT = (
    *("språkutvecklande arbetssätt", "digitala verktyg", "kompetensutveckling", "energirådgivning"),
    *("kulturupplevelser", "vattenvårdande åtgärder", "fritidsaktiviteter", "studie- och yrkesvägledning"),
    *("hälsofrämjande insatser", "klimatanpassning", "cirkulär upphandling", "laddinfrastruktur"),
)
_WHERE = (
    *("i kommunens skolor", "på biblioteken", "inom hemtjänsten", "i de norra kommundelarna", "i länet"),
    *("på förskolorna", "vid kusten", "i centrum", "inom äldreomsorgen", "på gymnasieskolan"),
)
_WITH_WHOM = (
    *("regionen", "Länsstyrelsen", "lokala föreningar", "högskolan", "Arbetsförmedlingen", "näringslivet"),
    *("grannkommunerna", "Skogsstyrelsen", "kommunens bostadsbolag", "studieförbunden"),
)


def title(chance: Random, number: int) -> str:
    return f"{chance.choice(FIRST)} {chance.choice(SECOND)} och {chance.choice(SECOND)} {number}"


def text(chance: Random, sentences: int) -> str:
    """Sentences of about a dozen words each."""
    return " ".join(
        chance.choice(_SENTENCES).format(
            chance.choice(_WHO), chance.choice(_WHAT), chance.choice(_WHERE), chance.choice(_WITH_WHOM)
        )
        for _one in range(sentences)
    )
