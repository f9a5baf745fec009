"""HTML of an editor: what the provider writes stays, what a browser could run or fetch elsewhere falls away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.system.rich_text import clean_html, plain_text
from conformance.topics.xss import dangers

PIECES = ["<", ">", "</", "<p>", "<script>", "</script>", "<style>", "<svg/onload=x>", "<img src=", "/media/1", "javascript:x", " onerror=x", '"', "'", "<a href=", "<math>", "<mi>", "&#x6a;",
          "<!--", "-->", "<table>", "<noscript>", "text", " style=x", "<iframe srcdoc=", "<form>", "\x00", "<template>"]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=25).map("".join))
def test_whatever_comes_in_is_harmless_and_stays_as_it_is_when_cleaned_again(html):
    once = clean_html(html)
    assert dangers(once) == [] and clean_html(once) == once


@pytest.mark.parametrize(("html", "kept"), [
    ('<p class="lead evil">x</p>', '<p class="lead">x</p>'),
    ('<img src="/media/7/bild.png" alt="A">', '<img src="/media/7/bild.png" alt="A">'),
    ('<img src="https://tracker.example/x.gif" alt="A">', '<img alt="A">'),
    ('<img src="//tracker.example/x.gif">', "<img>"),
    ('<video src="/media/8/film.mp4" controls=""></video>', '<video src="/media/8/film.mp4" controls=""></video>'),
    ('<a href="https://example.org">x</a>', '<a href="https://example.org" rel="noopener noreferrer">x</a>'),
    ('<p style="position:fixed">x</p>', "<p>x</p>"),
    ('<h2 id="price list">x</h2><h2 id="prices">y</h2>', '<h2>x</h2><h2 id="prices">y</h2>'),
    ("<p>a</p><!-- secret --><p>b</p>", "<p>a</p><p>b</p>")])
def test_what_stays(html, kept):
    assert clean_html(html) == kept


def test_the_text_of_a_page():
    assert plain_text("<h1>A &amp; B</h1><p>one<br>two</p>\n<ul><li>x</li></ul>") == "A & B one two x"
