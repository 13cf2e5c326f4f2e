import re
import pytest
pytestmark = pytest.mark.browser
OUT = "/tmp/medel3/mendi/pics"


def test_look(opened):
    s = opened("strateg@sjostad.example")
    s.goto("/anmal/lista/")
    hrefs = [a.get_attribute("href") for a in s.locator("a").all()]
    reports = [h for h in hrefs if re.fullmatch(r"/anmal/\d+/", h or "")]
    print("REPORTS", reports)
    e = opened("ekonom@sjostad.example")
    m = opened("ekonom@sjostad.example", viewport={"width": 390, "height": 844})
    for page, w in ((s, "s"), (e, "e"), (m, "m")):
        page.goto("/att-gora/")
        page.screenshot(path=f"{OUT}/{w}_todo.png", full_page=True)
    phone = opened("strateg@sjostad.example", viewport={"width": 390, "height": 844})
    for n, r in enumerate(reports[:4]):
        s.goto(r)
        s.screenshot(path=f"{OUT}/report{n}.png", full_page=True)
        phone.goto(r + "registrera/")
        phone.screenshot(path=f"{OUT}/register{n}_390.png", full_page=True)
    s.goto(reports[0] + "avboj/")
    print("DECLINE", s.url)
    s.goto("/projekt/")
    projects = [a.get_attribute("href") for a in s.locator("table a[href^='/projekt/']").all()]
    projects = list(dict.fromkeys(h for h in projects if re.fullmatch(r"/projekt/\d+/", h or "")))
    for n, p in enumerate(projects[:6]):
        s.goto(p)
        print(n, p, s.locator("h1").inner_text(), s.locator("#found").count())
        s.screenshot(path=f"{OUT}/project{n}.png", full_page=True)
        e.goto(p)
        e.screenshot(path=f"{OUT}/project{n}_econ.png")
    e.goto(projects[0] + "projektnummer/")
    e.screenshot(path=f"{OUT}/number.png")
    s.goto(projects[0] + "dokument/bevarande/")
    s.screenshot(path=f"{OUT}/retention.png")
    s.goto("/valj-kommun/")
    s.screenshot(path=f"{OUT}/405.png")
