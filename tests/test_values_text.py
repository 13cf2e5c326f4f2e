import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from values.rounding import round_half_up
from values.text import (
    Count,
    NotANumber,
    escape_like,
    fold,
    format_decimal,
    nfc,
    parse_counts,
    parse_decimal,
    search_terms,
    squeeze,
)

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18, places=4)
NEARLY_NUMBERS = st.text("0123456789 .,-−–+()'\u00a0\u202feE٣", max_size=15)


def refusal(text: str) -> str:
    with pytest.raises(NotANumber) as refused:
        parse_decimal(text)
    return refused.value.code


def test_every_kind_of_white_space_becomes_one_space():
    assert squeeze("\ufeff A\u030aret\u00a0\u2009 om\t\r\nigen\u200b \u2028") == "Året om igen"


def test_titles_that_differ_in_case_spaces_and_composition_fold_to_the_same():
    assert fold("  VÄXTKRAFT\u00a0 2016 ") == fold("Va\u0308xtkraft 2016") == "växtkraft 2016"


@given(st.text())
def test_squeezing_and_folding_twice_changes_nothing(text):
    assert squeeze(squeeze(text)) == squeeze(text)
    assert fold(fold(text)) == fold(text)
    assert unicodedata.is_normalized("NFC", fold(text))


@given(st.text())
def test_composed_and_decomposed_text_fold_to_the_same(text):
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))
    assert nfc(unicodedata.normalize("NFD", text)) == nfc(text)


def test_the_signs_of_like_stand_for_themselves():
    assert escape_like(r"100 %_\ klart") == r"100 \%\_\\ klart"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1 234,56", "1234.56"),
        ("1\u00a0234,56", "1234.56"),
        ("1\u2009234\u202f567", "1234567"),
        (" 1234567 ", "1234567"),
        ("-1", "-1"),
        ("−1", "-1"),
        ("– 1", "-1"),
        ("+1", "1"),
        ("1 234,56-", "-1234.56"),
        ("(12)", "-12"),
        ("1,5", "1.5"),
        ("1.5", "1.5"),
        ("1 234.50", "1234.50"),
        ("1,234", "1.234"),
        ("0007", "7"),
    ],
)
def test_numbers_are_read_as_swedes_write_them(text, number):
    assert parse_decimal(text) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "number_is_missing"),
        (" \u00a0", "number_is_missing"),
        ("1.234", "decimal_mark_is_ambiguous"),
        ("-1.234", "decimal_mark_is_ambiguous"),
        ("1.234,56", "decimal_mark_is_ambiguous"),
        ("1,234.56", "decimal_mark_is_ambiguous"),
        ("1.234.567", "decimal_mark_is_ambiguous"),
        ("1'234", "not_a_number"),
        ("1 23", "not_a_number"),
        ("1  234", "not_a_number"),
        ("1\n234", "not_a_number"),
        ("1234 567", "not_a_number"),
        ("-(12)", "not_a_number"),
        ("-12-", "not_a_number"),
        ("(12", "not_a_number"),
        ("1,", "not_a_number"),
        (",5", "not_a_number"),
        ("1e3", "not_a_number"),
        ("NaN", "not_a_number"),
        ("Infinity", "not_a_number"),
        ("٣", "not_a_number"),
        ("12 kr", "not_a_number"),
        ("1" * 29, "number_has_too_many_digits"),
    ],
)
def test_what_may_mean_two_numbers_or_none_is_refused(text, code):
    assert refusal(text) == code


def test_a_refused_document_is_not_repeated_in_full():
    with pytest.raises(NotANumber) as refused:
        parse_decimal("x" * 10_000)
    assert refused.value.params == {"text": "x" * 59 + "…"}


@given(NUMBERS)
def test_a_written_number_reads_back(number):
    assert parse_decimal(format_decimal(number)) == number


@given(st.one_of(st.text(), NEARLY_NUMBERS))
def test_reading_a_number_raises_nothing_but_its_own_error(text):
    try:
        number = parse_decimal(text)
    except NotANumber as refused:
        assert refused.code in NotANumber.codes
    else:
        assert number.is_finite()
        assert parse_decimal(format_decimal(number)) == number


def test_numbers_are_written_with_no_break_spaces_comma_and_true_minus():
    assert format_decimal(Decimal("-1234567.5")) == "−1\u00a0234\u00a0567,5"
    assert format_decimal(Decimal("1E+3")) == "1\u00a0000"
    assert format_decimal(Decimal("0.125"), 2) == "0,13"
    assert format_decimal(Decimal("999.995"), 2) == "1\u00a0000,00"
    assert format_decimal(Decimal("-0.4"), 0) == "0"
    assert format_decimal(Decimal("-0")) == "0"


@pytest.mark.parametrize("wrong", [1.5, 1, "1"])
def test_only_decimals_are_written_and_rounded(wrong):
    with pytest.raises(TypeError):
        format_decimal(wrong)
    with pytest.raises(TypeError):
        round_half_up(wrong, 2)
    with pytest.raises(ValueError, match="finite"):
        format_decimal(Decimal("NaN"))


def test_halves_are_rounded_away_from_zero():
    rounded = [round_half_up(Decimal(n), 0) for n in ("0.5", "1.5", "2.5", "-0.5", "-2.5", "2.4999")]
    assert rounded == [1, 2, 3, -1, -3, 2]
    assert round_half_up(Decimal("547500"), -3) == 548_000


@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40),
    st.integers(-3, 6),
)
def test_rounding_moves_a_number_by_half_a_step_at_most(number, places):
    step = Decimal(1).scaleb(-places)
    # In whole numbers of a tiny unit: Decimal's own arithmetic would round here.
    unit = 10**400

    def exact(value):
        numerator, denominator = value.as_integer_ratio()
        return numerator * unit // denominator

    assert 2 * abs(exact(round_half_up(number, places)) - exact(number)) <= exact(step)


def search_words(query):
    """What is looked for first of each word."""
    return [term.ways[0].part for term in search_terms(query)]


# The words of externally funded projects: every form finds every other, and the compounds after the bar.
FAMILIES = """
projekt projektet projekten projekts projektets projektens projektens | skolprojekt projektbidrag
bidrag bidraget bidragen bidrags bidragets bidragens | projektbidrag statsbidragen bidragsgivare
skola skolan skolor skolorna skolornas skolas skolans | grundskolan skolprojekt musikskoleverksamhet
stöd stödet stöden stöds stödets | projektstöd stödgrupp lönestödet
ansökan ansökans ansökningar ansökningarna ansökningarnas ansökningen ansökning | projektansökan ansökningsomgång
finansiering finansieringen finansieringens finansieringar
medfinansiering medfinansieringen medfinansieringens medfinansieringar
förening föreningen föreningar föreningarna föreningens föreningarnas | idrottsförening föreningsliv
vänort vänorten vänorter vänorterna vänorts vänorternas | vänortsutbyte
utbyte utbytet utbyten utbytena utbytes utbytets | ungdomsutbyte utbytesprojekt
elev elever eleverna elevernas eleven elevens elevs | skolelever elevhälsa grundskoleelev
barn barnen barnens barnet barnets barns | förskolebarn barnomsorg
ungdom ungdomar ungdomarna ungdomars ungdomarnas ungdomen | ungdomsråd
kommun kommunen kommuner kommunerna kommunernas kommunens kommuns | grannkommuner kommunstyrelsen
utbildning utbildningen utbildningar utbildningarna utbildningens utbildnings | yrkesutbildning utbildningsnämnd
nämnd nämnden nämnder nämnderna nämndens nämndernas nämnds | socialnämnden nämndsammanträde
kultur kulturen kulturens kulturs kulturer | kulturskola
hållbarhet hållbarheten hållbarhets hållbar hållbara hållbart
miljö miljön miljöer miljöerna miljöns miljös miljöernas | lärmiljö miljöprojekt
lärare läraren lärarna lärarnas lärares lärarens | ämneslärare lärarutbildning
region regionen regioner regionerna regionens regions regionernas | regionförbund
företag företaget företagen företagens företags företagets | småföretag företagsstöd
integration integrationen integrationens integrations | integrationsprojekt
samverkan samverkans | samverkansavtal
strategi strategin strategier strategierna strategins | kommunstrategi
verksamhet verksamheten verksamheter verksamheternas verksamhets
medel medlen medlens medels | projektmedel
program programmet programmen programmets programs | ramprogram programperiod
medlem medlemmen medlemmar medlemmarna medlemmars
exempel exemplet exemplen exempels
regel regeln regler reglerna reglers
artikel artikeln artiklar artiklarna
möte möten mötet mötena mötets | styrgruppsmöte mötesplats
mål målet målen målens målets | delmål
råd rådet råden rådets | ungdomsråd
resa resan resor resorna resornas | studieresa
partner partnern partners partnerna partnernas
universitet universitetet universiteten universitetets
jämställdhet jämställdheten jämställd jämställda
trygghet tryggheten trygg trygga
digital digitala digitalt | digitalisering
internationell internationella internationellt
regional regionala regionalt
europeisk europeiska europeiskt
stipendium stipendiet stipendier stipendierna
gymnasium gymnasiet gymnasier | gymnasieskola
museum museet museer museerna
centrum centret centrumet | resurscentrum
kommitté kommittén kommittéer kommittéerna
idé idén idéer idéerna | projektidé
land landet länder länderna | partnerländer partnerland
stad staden städer städerna | vänstad vänstäder
förälder föräldern föräldrar föräldrarna | föräldraskap
medborgare medborgaren medborgarna medborgarnas | medborgardialog
chef chefen chefer cheferna
forskning forskningen forsknings | forskningsprojekt
forskare forskaren forskarna
samarbete samarbetet samarbeten samarbetena samarbetets
nätverk nätverket nätverken nätverks
beslut beslutet besluten beslutets
rapport rapporten rapporter rapporterna | slutrapport
budget budgeten budgetar budgetens
förvaltning förvaltningen förvaltningar förvaltningarnas | socialförvaltningen
avtal avtalet avtalen | samverkansavtal
enhet enheten enheter enheterna enhets
hem hemmet hemmen hemmets
klassrum klassrummet klassrummen
insats insatsen insatser insatserna
arbetsmarknad arbetsmarknaden arbetsmarknads
omsorg omsorgen omsorgs | äldreomsorg
vård vården vårdens | sjukvård vårdcentral
hälsa hälsan hälsas | folkhälsa
bibliotek biblioteket biblioteken | folkbibliotek
förskola förskolan förskolor förskolorna
klimat klimatet klimats | klimatomställning
energi energin energier | energieffektivisering
landsbygd landsbygden landsbygdens
näringsliv näringslivet näringslivets
finansiär finansiären finansiärer finansiärerna
kostnad kostnaden kostnader kostnaderna
aktivitet aktiviteten aktiviteter aktiviteterna
effekt effekten effekter effekterna
metod metoden metoder metoderna
språk språket språken språks
flykting flyktingar flyktingarna flyktingen
kvinna kvinnan kvinnor kvinnorna kvinnors
deltagare deltagaren deltagarna deltagarnas
medarbetare medarbetaren medarbetarna medarbetarnas
anställd anställda anställdas
kompetens kompetensen kompetenser | kompetensutveckling
utveckling utvecklingen utvecklingens | utvecklingsprojekt
innovation innovationen innovationer
entreprenör entreprenören entreprenörer
turism turismen | besöksturism
besök besöket besöken | studiebesök
byggnad byggnaden byggnader byggnaderna
väg vägen vägar vägarna | cykelväg
cykel cykeln cyklar cyklarna
nyckel nyckeln nycklar
vatten vattnet vattnets | dricksvatten
jönköping jönköpings
erasmus
socialfond socialfonden socialfondens
praktik praktiken | praktikplats
bolag bolaget bolagen | kommunbolag
bok boken böcker böckerna
huvudman huvudmannen huvudmän huvudmännen
tid tiden tider
ort orten orter orterna
arena arenan arenor
ledare ledaren ledarna | projektledare
tjänst tjänsten tjänster tjänsterna | välfärdstjänst
myndighet myndigheten myndigheter myndigheterna
organisation organisationen organisationer organisationerna
demokrati demokratin demokratins
plan planen planer planerna | handlingsplan
utlysning utlysningen utlysningar utlysningarna
upphandling upphandlingen upphandlingar
handling handlingen handlingar | handlingsplan
grupp gruppen grupper grupperna | styrgrupp
uppföljning uppföljningen uppföljningar
utvärdering utvärderingen utvärderingar
medling medlingen
ansvar ansvaret ansvars
delaktighet delaktigheten
psykisk psykiska psykiskt
bostad bostaden bostäder bostäderna bostädernas | bostadsbolag ungdomsbostäder
ledamot ledamoten ledamöter ledamöterna | nämndledamot
tjänsteman tjänstemannen tjänstemän tjänstemännen tjänstemännens | tjänstemannautbyte
vänstad vänstaden vänstäder vänstäderna
huvudstad huvudstaden huvudstäder | huvudstadsregion
medlemsland medlemslandet medlemsländer medlemsländerna
handbok handboken handböcker handböckerna
strand stranden stränder stränderna | strandskydd badstrand
lantbonde lantbonden lantbönder lantbönderna
bonde bonden bönder bönderna
hand handen händer händerna
natt natten nätter nätterna | nattvandring
brand branden bränder | brandskydd
år året åren årets årens | skolåret verksamhetsår årsrapport
eu eu:s | eu-projekt
jämställd jämställt jämställda jämställdhet jämställdheten | jämställdhetsarbete
trygg tryggt trygga trygghet tryggheten | trygghetsarbete
grön grönt gröna | grönområde
långsiktig långsiktigt långsiktiga långsiktighet
gemensam gemensamt gemensamma
flerårig flerårigt fleråriga
kreativ kreativt kreativa
innovativ innovativt innovativa
cirkulär cirkulärt cirkulära
jämlik jämlikt jämlika jämlikhet
säker säkert säkra säkerhet säkerheten | trafiksäkerhet osäker
trafiksäkerhet trafiksäker trafiksäkra trafiksäkert
öppen öppet öppna öppenhet
tillgänglig tillgängligt tillgängliga tillgänglighet tillgängligheten
delaktig delaktigt delaktiga delaktighet delaktigheten
utveckling utvecklingen utveckla utvecklar utvecklas utvecklad utvecklat utvecklade
medfinansiering medfinansieringen medfinansierad medfinansieras medfinansiär medfinansiärer medfinansiärerna
digitalisering digitaliseringen digitalisera digitaliserad digitaliserade digitaliserat digitaliserar
rehabilitering rehabilitera rehabiliterande
inkludering inkludera inkluderande inkluderar
satsning satsningar satsa satsar
ung unga ungas ungt | ungdom ungdomar
vuxen vuxna vuxnas | vuxenutbildning
sjö sjön sjöar sjöarna | insjö
by byn byar byarna | ekoby bygdegård
ö ön öar öarna | skärgårdsöar
kö köer köerna | vårdköer
el elen | elbil solel
mat maten matens | matsvinn skolmat
lek leken lekar lekarna | lekplats
rum rummet rummen | klassrum rumslig
lag lagen lagar lagarna | skollagen lagstiftning arbetslag
kust kusten kuster | västkusten kustnära
kost kosten | kostråd
hus huset husen | husbil sjukhus
äldre äldres | äldreomsorg
mark marken marker | markanvändning
kön könet könen | könsneutral
"""

# What has the same letters and means something else.
NEAR_WORDS = """
förening: företag förebyggande föreslå
elever: relevant relevans elevation
kommun: kommunikation kommunicera kommunism
kommuner: kommunikation kommunicera
medlen: medlem medlemmar medling
medel: omedelbar medelålders medelhavet meddelande
regler: reglera reglemente reglering
media: medicin meditation
resor: resultat intresse resurs adress
målet: måltid målning
rådet: området område
råd: område bråd
eu: museum neutral
skola: skogsbruk skoter
barn: baron barr
natur: signatur
stad: bostad ställa
land: finland blandning
kurs: konkurs diskurs
organ: omsorg borg
delar: medel handel
enheten: helhet
utbyte: utbyggnad utbud
arena: läraren medarbetaren
konst: konstatera konstruktion
lärare: lärande
stöd: städ
miljö: familj miljon
miljon: miljö
region: religion
integration: migration
nämnd: nämnda
partner: partikel
projekt: prospekt
bidrag: bidé
fonder: fondant
hem: schema tema
insats: ersättning
forskning: fors
utveckling: utvandring
rätt: berättelse
samverkan: samvete samtal
man: mandat manual kommande
tid: tidning
idé: idealx video
äldre: föräldrar förälder
mat: klimat format material matematik automat tomater match
maten: klimaten formaten material
rum: centrum forum rumänien spektrum
rummet: forumet
lag: bolag förslag anslag inslag underlag lager slag
lagen: bolagen förslagen
ort: sport transport export kort stort rapport
orter: sporter rapporter
kust: akustik
kost: kostnad kostym frukost
ras: rasism föras terrass
rasen: terrassen
hand: handel handlingsplan handledning bakhand
tal: digital avtal kapital kommunal talang
bil: bild bilaga mobil stabil bilateral
väg: vägg vägledning
val: festival validering
art: artikel start
unga: kunga ungern
ung: forskning ungern ungrare
år: svår står vår får
by: bygga byta byrå
el: elev modell eller
kö: köpa kön
mål: måltid målare
läget: lägenhet
säkerhet: försäkring säkring säkerställa
vård: vårdnad
mark: marknad
kris: kristen kristall
möjlighet: omöjlig möjligt
handling: handlar
verksamhet: verksam
finansiär: finansiell
"""


def _families():
    for line in FAMILIES.strip().splitlines():
        forms, _bar, compounds = line.partition("|")
        yield pytest.param(forms.split(), compounds.split(), id=forms.split()[0])


@pytest.mark.parametrize(("forms", "compounds"), list(_families()))
def test_all_forms_of_a_word_find_each_other_and_compounds(forms, compounds):
    missed = [
        (asked, text)
        for asked in forms
        for text in (*forms, *compounds)
        if not all(term.stands_in(text) for term in search_terms(asked))
    ]
    assert missed == []


@pytest.mark.parametrize(("forms", "compounds"), list(_families()))
def test_capital_letters_and_genitives_of_any_form_ask_the_same(forms, compounds):
    for form in forms:
        assert [term.ways for term in search_terms(form.upper())] == [
            term.ways for term in search_terms(form)
        ]


@pytest.mark.parametrize("line", NEAR_WORDS.strip().splitlines())
def test_a_word_does_not_find_what_merely_begins_like_it(line):
    asked, _colon, others = line.partition(": ")
    found = [word for word in others.split() if all(term.stands_in(word) for term in search_terms(asked))]
    assert found == []


def test_a_word_is_found_inside_a_compound():
    assert search_words("finansieringen") == ["finansiering"]
    assert search_words("finansieringen")[0] in "medfinansiering"


def test_four_letters_stay():
    assert search_words("mål läget resa plan elever") == ["mål", "läget", "resa", "plan", "elev"]


def test_an_ending_after_a_colon_is_no_part_of_an_abbreviation():
    assert [term.written for term in search_terms("EU:s IT:n 2020:1 kl:12")] == [
        "eu",
        "it",
        "2020:1",
        "kl:12",
    ]


def test_an_n_of_the_words_own_stays_and_a_lone_sign_is_no_word():
    assert search_words("region & kommunens – miljön") == ["region", "kommun", "miljö"]


def test_codes_and_quoted_words_keep_their_endings():
    assert search_words('P-2026-14, 7714 A1010s "projekten" ”Globala målen” projekten') == [
        "p-2026-14",
        "7714",
        "a1010s",
        "projekten",
        "globala målen",
        "projekt",
    ]


def test_a_search_is_lower_case_composed_and_says_each_word_once():
    assert search_words("O\u0308ST öst, (Öst)\u0000öst! “ \u00a0") == ["öst"]
    assert search_words('  ""  ') == []


@given(st.text())
def test_any_search_gives_words_without_control_characters_or_spaces_at_the_ends(query):
    words = search_words(query)
    assert words == [squeeze(word) for word in words]
    assert "" not in words
    assert not any(unicodedata.category(sign) == "Cc" for word in words for sign in word)


@given(st.text("abcdefghijklmnopqrstuvwxyzåäö", min_size=1, max_size=20))
def test_what_is_left_of_a_word_is_its_beginning_with_four_letters_at_least(word):
    (stem,) = search_words(word)
    assert word.startswith(stem)
    # Words whose forms are listed may have little in common (man, män): their pattern says the rest.
    assert stem == word or len(stem) >= 4 or search_terms(word)[0].ways[0].pattern


def test_parties_told_by_number_are_read_as_counts_in_the_same_place():
    assert parse_counts("11 universitet och 9 offentliga organisationer i Europa") == [
        Count(11, "universitet", "Europa"),
        Count(9, "offentliga organisationer", "Europa"),
    ]


def test_each_count_may_have_its_own_place():
    assert parse_counts(
        "2 skolor i Eksjö, 3 EU-länder samt 4 forsknings- och innovationsaktörer från Norge."
    ) == [
        Count(2, "skolor", "Eksjö"),
        Count(3, "EU-länder", "Norge"),
        Count(4, "forsknings- och innovationsaktörer", "Norge"),
    ]
    assert parse_counts("20 partners") == [Count(20, "partners")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nässjö kommun, Vaggeryds kommun",
        "11 universitet, Nässjö kommun",
        "11 universitet och Nässjö kommun",
        "11 universitet i Europa och Nässjö kommun",
        "24 Timmar AB",
        "0 universitet",
        "11",
        "11 2017",
        "1,5 universitet",
    ],
)
def test_names_among_the_counts_make_it_no_counts_at_all(text):
    assert parse_counts(text) == []


@given(st.one_of(st.text(), st.text("019 ,;oichAB-é", max_size=25)))
def test_any_text_is_counts_or_not(text):
    assert all(count.number > 0 and count.kind for count in parse_counts(text))
