"""Bad and odd configs: YAML that is none, YAML with traps, names with tricks, values of wrong types."""

import json
from typing import Any

import yaml
from fuzz_cases import CONFIG, Case, config
from fuzz_tables import same

YAML = yaml.safe_dump(CONFIG, sort_keys=False)


def bomb(levels: int, wide: int, *, mapping: bool) -> str:
    """Billion laughs: every anchor holds the one before many times."""
    out = ["a0: &a0 " + ("{x: lol, y: lol}" if mapping else "[lol, lol]")]
    for level in range(1, levels):
        inner = ", ".join(
            f"k{place}: *a{level - 1}" if mapping else f"*a{level - 1}" for place in range(wide)
        )
        out.append(f"a{level}: &a{level} {{{inner}}}" if mapping else f"a{level}: &a{level} [{inner}]")
    return "\n".join(out) + "\n"


TEXTS = [
    Case("yaml as it should be", config=YAML, fine=same),
    Case("yaml with a mark", config=b"\xef\xbb\xbf" + YAML.encode(), fine=same),
    Case("yaml with windows line ends", config=YAML.replace("\n", "\r\n"), fine=same),
    Case("json", config=json.dumps(CONFIG), fine=same),
    Case("yaml empty", config="", error=r"config\.yaml: is not a mapping"),
    Case("yaml only comments", config="# nothing\n", error=r"config\.yaml: is not a mapping"),
    Case("yaml list", config="- a\n- b\n", error=r"config\.yaml: is not a mapping"),
    Case("yaml text", config="competition\n", error=r"config\.yaml: is not a mapping"),
    Case("yaml number", config="12\n", error=r"config\.yaml: is not a mapping"),
    Case("yaml null", config="null\n", error=r"config\.yaml: is not a mapping"),
    Case("yaml empty mapping", config="{}\n", error="competition: this key is required"),
    Case("yaml tabs", config="tasks:\n\tt: 1\n", error=r"config\.yaml, line 2, column 1"),
    Case("yaml open bracket", config=YAML.replace("[text]", "[text").replace("- text", "- [text"), error=r"config\.yaml, line"),
    Case("yaml open quote", config=YAML.replace("fuzz", '"fuzz', 1), error=r"config\.yaml, line"),
    Case("yaml bad indent", config="a:\n  b: 1\n c: 2\n", error=r"config\.yaml, line 3"),
    Case("yaml colon in value", config="competition: a: b\n", error=r"config\.yaml, line 1"),
    Case("yaml unknown alias", config="a: *none\n", error=r"config\.yaml, line 1.*none"),
    Case("yaml unknown tag", config="a: !thing x\n", error=r"config\.yaml, line 1"),
    Case("yaml python object", config="a: !!python/object/apply:os.system ['touch owned']\n", error=r"config\.yaml, line 1"),
    Case("yaml python name", config="a: !!python/name:os.system\n", error=r"config\.yaml, line 1"),
    Case("yaml python tuple", config="a: !!python/tuple [1]\n", error=r"config\.yaml, line 1"),
    Case("yaml several documents", config=f"{YAML}---\n{YAML}", error=r"config\.yaml, line .*document"),
    Case("yaml one document with marks", config=f"---\n{YAML}...\n", fine=same),
    Case("yaml utf-16", config=YAML.encode("utf-16"), error=r"config\.yaml: is not UTF-8"),
    Case("yaml latin-1", config=YAML.replace("fuzz", "fu\xe9", 1).encode("latin-1"), error=r"config\.yaml: is not UTF-8"),
    Case("yaml control character", config=YAML.replace("fuzz", "fu\x07", 1), error=r"config\.yaml"),
    Case("yaml nul", config=YAML.replace("fuzz", "fu\0", 1), error=r"config\.yaml"),
    Case("yaml lone surrogate", config=YAML.replace("fuzz", '"\\ud800"', 1), error="competition|config"),
    Case("yaml noise", config=bytes(range(256)), error=r"config\.yaml"),
    Case("yaml duplicate key", config=f"{YAML}competition: other\n", error=r"config\.yaml, line .*'competition'.*more than once"),
    Case("yaml duplicate block", config=YAML.replace("models:", "models:\n  other:\n    kind: linear\nmodels:"),
         error=r"config\.yaml, line .*'models'.*more than once"),
    Case("yaml duplicate deep key", config=YAML.replace("    target: label", "    target: label\n    target: text"),
         error=r"config\.yaml, line .*'target'.*more than once"),
    Case("yaml merge", config=YAML.replace("folds:", "x: &x {n: 2}\nfolds:\n  <<: *x\nx_y:"), error="x: unknown key"),
    Case("yaml merge of no mapping", config="a: &a [1]\nb:\n  <<: *a\n", error=r"config\.yaml, line"),
    Case("yaml alias used twice", config=YAML.replace("data/train.csv", "&p data/train.csv").replace("data/test.csv", "*p"),
         error="is the file of"),
    Case("yaml laughs of lists", config=bomb(12, 10, mapping=False) + YAML, error=r"config\.yaml"),
    Case("yaml laughs of mappings", config=bomb(12, 10, mapping=True) + YAML, error=r"config\.yaml"),
    Case("yaml laughs in a task", config=bomb(9, 9, mapping=True) + YAML.replace("label", "*a8"), error=r"config\.yaml"),
    Case("yaml few laughs", config=bomb(4, 6, mapping=True) + YAML, error="a0: unknown key"),
    Case("yaml doubled many times", config="a0: &a0 x\n" + "".join(f"a{k}: &a{k} [*a{k - 1}, *a{k - 1}]\n" for k in range(1, 60)),
         error=r"config\.yaml"),
    Case("yaml holds itself", config="a: &a [*a]\n" + YAML, error=r"config\.yaml"),
    Case("yaml mapping holds itself", config="models: &a\n  x: *a\n", error=r"config\.yaml"),
    Case("yaml merge of itself", config="a: &a\n  <<: *a\n", error=r"config\.yaml|a: unknown"),
    Case("yaml merge laughs", config="a0: &a0 {x: 1}\n" + "".join(
        f"a{k}: &a{k}\n  <<: [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 12)), error=r"config\.yaml|a0"),
    Case("yaml deep lists", config="a: " + "[" * 20_000 + "\n", error=r"config\.yaml"),
    Case("yaml deep mappings", config="a: " + "{b: " * 3000 + "1" + "}" * 3000 + "\n", error=r"config\.yaml"),
    Case("yaml deep but short", config="a: " + "[" * 90 + "]" * 90 + "\n", error="a: unknown key|deep"),
    Case("yaml deep blocks", config="".join(f"{' ' * k}k:\n" for k in range(2000)), error=r"config\.yaml|k: unknown"),
    Case("json deep", config='{"a": ' + "[" * 20_000 + "]" * 20_000 + "}", error=r"config\.yaml"),
    Case("yaml bad date", config=YAML.replace("fuzz", "2026-13-45", 1), error=r"config\.yaml, line 1.*2026-13-45"),
    Case("yaml bad time", config=YAML.replace("fuzz", "2026-01-01 99:99:99", 1), error=r"config\.yaml, line 1"),
    Case("yaml huge number", config=YAML.replace("fuzz", "9" * 5000, 1), error=r"config\.yaml, line 1"),
    Case("yaml int of nothing", config="a: !!int ''\n", error=r"config\.yaml, line 1"),
    Case("yaml int of letters", config="a: !!int abc\n", error=r"config\.yaml, line 1"),
    Case("yaml float of letters", config="a: !!float abc\n", error=r"config\.yaml, line 1"),
    Case("yaml bool of letters", config="a: !!bool abc\n", error=r"config\.yaml, line 1"),
    Case("yaml time of letters", config="a: !!timestamp abc\n", error=r"config\.yaml, line 1"),
    Case("yaml binary of letters", config="a: !!binary 'é'\n", error=r"config\.yaml, line 1"),
    Case("yaml binary number", config="a: 0b_\n", error=r"config\.yaml"),
    Case("yaml hexadecimal of nothing", config="a: 0x_\n", error=r"config\.yaml"),
    Case("yaml set and omap", config=f"{YAML}x: !!set {{a, b}}\ny: !!omap [a: 1]\n", error="x: unknown key"),
    Case("yaml set in place of a list", config=YAML.replace("text:\n    - text", "text: !!set {text}"), fine=same),
    Case("yaml key of a list", config="? [a]\n: 1\n", error=r"config\.yaml, line 1"),
    Case("yaml key of a mapping", config="? {a: 1}\n: 1\n", error=r"config\.yaml, line 1"),
    Case("yaml key of a number", config=f"{YAML}1: 2\n", error="1: .*"),
    Case("yaml key of null", config=f"{YAML}null: 2\n", error="[Nn]one|null"),
    Case("yaml key of a date", config=f"{YAML}2026-01-01: 2\n", error="2026-01-01"),
    Case("yaml key of truth", config=f"{YAML}yes: 2\n", error="[Tt]rue|yes"),
    Case("yaml key of nan", config=f"{YAML}.nan: 2\n", error="nan"),
    Case("yaml task names of numbers", config=YAML.replace("  t:", "  1:"), error="tasks"),
    Case("yaml model name yes", config=YAML.replace("  linear:", "  yes:"), error="models"),
    Case("yaml huge key", config=f"{YAML}? {'k' * 100_000}\n: 1\n", error="unknown key"),
    Case("yaml huge value", config=YAML.replace("fuzz", "f" * 1_000_000, 1), error="competition: .*100 characters"),
    Case("yaml evaluates", config=f"__use_yte__: true\n__definitions__:\n- open('owned','w')\n{YAML}", error="__use_yte__"),
    Case("yaml of one line", config="{", error=r"config\.yaml, line"),
]  # fmt: skip

SURPRISES: list[tuple[str, Any, str]] = [
    ("seed octal", "seed: 0o17", "seed"),
    ("seed yes", "seed: yes", "seed"),
    ("seed sexagesimal float", "seed: 1:30.5", "YAML reads 1:30.5 as another number"),
    ("seed nan", "seed: .nan", "seed"),
    ("seed inf", "seed: .inf", "seed"),
    ("seed negative", "seed: -1", "seed: .*greater"),
    ("seed text", "seed: seven", "seed"),
    ("seed float", "seed: 1.5", "seed"),
    ("seed date", "seed: 2026-01-01", "seed"),
    ("seed null", "seed: null", "seed"),
    ("seed list", "seed: [1]", "seed"),
    ("seed binary", "seed: !!binary aGVsbG8=", "seed"),
]

HUGE = {"linear": {"kind": "linear"}}
LINEAR: dict[str, Any] = {"kind": "linear", "max_iter": 20}


def tricks(path: str, wrong: str, *, files: dict[str, Any] | None = None) -> list[Case]:
    """Names that try to reach another place, or a shell."""
    return [
        Case(
            f"{path} {number}",
            files or {},
            {path: name} if not path.endswith("/") else {f"{path}{'x'}": name},
            error=wrong,
        )
        for number, name in enumerate(TRICKS)
    ]


TRICKS = [
    "../up", "/abs", "~/home", "~nobody_is_called_so/x", "a{b}", "{task}", "two words", "line\nend", "quo'te\"s", "$(touch owned)", "x; rm -rf *",
    "`id`", "", ".", "..", "\0", "\u202ex", "con\x1b[2J", "x" * 300, "-rf", "*", "ünïcode",
]  # fmt: skip


def named(block: str, value: dict[str, Any]) -> list[Case]:
    """The same as names of a block's members."""
    cases = []
    for number, name in enumerate(TRICKS):
        changed = config()
        node = changed
        for key in block.split("/"):
            node = node.setdefault(key, {})
        node[name] = value
        text = yaml.safe_dump(changed, sort_keys=False, allow_unicode=True)
        key = block.replace("/", r"\.")
        cases.append(Case(f"{block} named {number}", config=text, error=rf"{key}.*name|{key}"))
    return cases


def nasty(name: str, values: dict[str, Any], error: str, **more: Any) -> Case:
    return Case(name, config=values, error=error, **more)


NAMES = [
    *tricks("competition", "competition"),
    *(Case(f"submission file {k}", config={"tasks/t/submission": {"file": f"{name}.csv"}}, error="submission.file")
      for k, name in enumerate(TRICKS) if name not in ("two words", "-rf", "x" * 300)),
    Case("submission file of 300 letters", config={"tasks/t/submission": {"file": f"{'x' * 300}.csv"}}, error="submission.file"),
    *named("models", LINEAR),
    *named("text/views", []),  # type: ignore[arg-type]
    *named("tasks", CONFIG["tasks"]["t"]),
    *named("augment", {"kind": "eda"}),
    *named("pretrain", {}),
    *named("ensemble/named", {"kind": "mean"}),
    *named("tasks/t/external", {"file": "data/train.csv"}),
    *(Case(f"train path {k}", config={"tasks/t/train": name}, error="tasks.t.train") for k, name in enumerate(TRICKS)),
    *(Case(f"overrides path {k}", config={"noise": {"overrides": name}}, error="noise.overrides") for k, name in enumerate(TRICKS)
      if name in ("../up", "/abs", "two words", "x" * 300, "*")),
    *(Case(f"id column {k}", config={"tasks/t/id": name}, error="no column|tasks.t.id") for k, name in enumerate(TRICKS)),
    *(Case(f"encoder {k}", config={"models/linear": {"kind": "transformer", "encoder": name}}, error="models.linear.encoder")
      for k, name in enumerate(TRICKS) if name not in ("-rf", "..", ".")),
    *(Case(f"metric file {k}", config={"tasks/t/metric": f"{name}.py"}, error="metric") for k, name in enumerate(TRICKS)),
]  # fmt: skip

PATHS = ["competition", "seed", "tasks", "tasks/t", "tasks/t/train", "tasks/t/text", "tasks/t/target", "tasks/t/id", "tasks/t/metric",
         "tasks/t/submission", "tasks/t/columns", "tasks/t/external", "folds", "folds/n", "models", "models/linear", "models/linear/tfidf",
         "models/linear/seeds", "text", "text/views", "text/views/raw", "noise", "pseudo", "ensemble", "ensemble/methods", "decision",
         "metric", "adversarial", "augment", "pretrain"]  # fmt: skip
VALUES: list[Any] = [
    True,
    -1,
    1.5,
    "x",
    "",
    [],
    [1],
    [None],
    {},
    {"x": 1},
    {1: 2},
    [[["x"]]],
    {"kind": "x"},
    {"kind": {"a": 1}},
    10**30,
]

KEYS = [
    nasty("unknown key", {"taskz": {}}, "taskz: unknown key; did you mean 'tasks'"),
    nasty("unknown key of a task", {"tasks/t/trian": "x"}, r"tasks\.t\.trian: unknown key; did you mean 'train'"),
    nasty("unknown key of a model", {"models/linear/cc": 1}, r"models\.linear\.cc: unknown key"),
    nasty("unknown kind", {"models/linear/kind": "liner"}, r"models\.linear\.kind: unknown kind 'liner'; did you mean 'linear'"),
    nasty("no kind", {"models/linear/kind": ...}, r"models\.linear\.kind: this key is required"),
    nasty("no tasks", {"tasks": ...}, "tasks: this key is required"),
    nasty("no models", {"models": ...}, "models: this key is required"),
    nasty("tasks empty", {"tasks": {}}, "tasks"),
    nasty("models all null", {"models": {"linear": None}}, "models"),
    nasty("all null", dict.fromkeys(CONFIG), "competition"),
    nasty("unknown view", {"models/linear/view": "clean"}, "there is no text view 'clean'"),
    nasty("unknown augmentation", {"models/linear/augment": ["eda"]}, "there is no augmentation 'eda'"),
    nasty("unknown voter", {"pseudo": {"rounds": 1, "voters": ["x"]}}, "there is no model 'x'"),
    nasty("unknown step", {"text/views/raw": ["lowercas"]}, "text.views.raw"),
    nasty("unknown metric", {"tasks/t/metric": "acuracy"}, "did you mean 'accuracy'"),
    nasty("metric of another type", {"tasks/t/metric": "rmse"}, "no metric of a single_label task"),
    nasty("metric of huge beta", {"tasks/t/metric": {"name": "f_beta", "beta": 1e300}}, "metric"),
    nasty("metric of huge k", {"tasks/t/metric": {"name": "map_at_k", "k": 10**30}}, "metric"),
    nasty("metric of a file that is none", {"tasks/t/metric": "own.py"}, "metric"),
    nasty("own metric with an error", {"tasks/t/metric": "own.py"}, "metric: own.py, line 1", files={"own.py": "def score(:\n"}),
    nasty("own metric deep", {"tasks/t/metric": "own.py"}, "metric", files={"own.py": "x = " + "(" * 5000 + ")" * 5000}),
    nasty("own metric of nul", {"tasks/t/metric": "own.py"}, "metric", files={"own.py": b"\0\0"}),
    nasty("own metric of bad bytes", {"tasks/t/metric": "own.py"}, "metric", files={"own.py": b"\xff\xfe"}),
    nasty("own metric is a folder", {"tasks/t/metric": "own.py"}, "metric", files={"own.py/x": b""}),
    nasty("own metric that raises", {"tasks/t/metric": "own.py"}, "metric", files={
        "own.py": "greater_is_better = True\ntakes = 'labels'\ndef score(truth, prediction):\n    raise RuntimeError('no')\n"}),
    nasty("own metric that exits", {"tasks/t/metric": "own.py"}, "metric", files={
        "own.py": "greater_is_better = True\ntakes = 'labels'\ndef score(truth, prediction):\n    raise SystemExit(3)\n"}),
    nasty("own metric of text", {"tasks/t/metric": "own.py"}, "metric", files={
        "own.py": "greater_is_better = True\ntakes = 'labels'\ndef score(truth, prediction):\n    return 'good'\n"}),
    nasty("own metric of nan", {"tasks/t/metric": "own.py"}, "metric", files={
        "own.py": "greater_is_better = True\ntakes = 'labels'\ndef score(truth, prediction):\n    return float('nan')\n"}),
    nasty("own metric of wrong takes", {"tasks/t/metric": "own.py"}, "metric", files={
        "own.py": "greater_is_better = True\ntakes = ['labels']\ndef score(truth, prediction):\n    return 1.0\n"}),
    nasty("folds 1", {"folds/n": 1}, r"folds\.n"),
    nasty("folds huge", {"folds/n": 10**9}, r"folds\.n"),
    Case("huge seed", config={"seed": 10**30}, fine=same),
    Case("seed of 64 bits", config={"seed": 2**64}, fine=same),
    nasty("seed of 300 digits", {"models/trees": {"kind": "lightgbm", "seeds": [10**300]}}, "seeds"),
    nasty("huge c", {"models/linear/c": 1e400}, r"models\.linear\.c"),
    nasty("no n-grams", {"models/linear/tfidf": {"word_ngrams": None, "char_ngrams": None}}, r"models\.linear\.tfidf"),
    nasty("n-grams upside down", {"models/linear/tfidf": {"word_ngrams": [3, 1]}}, r"models\.linear\.tfidf"),
    nasty("n-grams of one number", {"models/linear/tfidf": {"word_ngrams": [3]}}, r"models\.linear\.tfidf"),
    nasty("language too long", {"tasks/t/language": "english"}, r"tasks\.t\.language"),
    nasty("language no", {"tasks/t/language": False}, r"tasks\.t\.language: must be text; put yes, no"),
    nasty("three texts", {"tasks/t/text": ["a", "b", "c"]}, r"tasks\.t\.text"),
    nasty("no texts", {"tasks/t/text": []}, r"tasks\.t\.text"),
    nasty("text is a word", {"tasks/t/text": "text"}, r"tasks\.t\.text: must be a list; write \[text\]"),
    nasty("text of null", {"tasks/t/text": [None]}, r"tasks\.t\.text"),
    nasty("train twice", {"tasks/t/holdout": "data/train.csv"}, "is the file of tasks.t.train"),
    nasty("no models for a task", {"models/linear/tasks": ["other"]}, "there is no task 'other'"),
    nasty("encoder folder empty", {"models/linear": {"kind": "transformer", "encoder": "./none"}}, "has no config.json"),
    nasty("encoder that escapes the hub", {"models/linear": {"kind": "transformer", "encoder": "../../etc/x"}}, "encoder"),
    nasty("encoder revision", {"models/linear": {"kind": "transformer", "encoder": "a/b", "revision": "../../x"}}, "revision"),
    nasty("pretraining unknown", {"models/linear": {"kind": "transformer", "encoder": "pretrain/x"}}, "pretrain"),
    nasty("overrides named a folder", {"noise": {"overrides": "data"}}, r"noise\.overrides: data is a folder"),
    Case("two tasks", config={"tasks/u": CONFIG["tasks"]["t"]}, fine=lambda result: None if set(result.train) == {"t", "u"} else 1 / 0),
    nasty("two tasks of one file name", {"tasks/u": {**CONFIG["tasks"]["t"], "submission": {"file": "x.csv"}},
                                        "tasks/t/submission": {"file": "X.csv"}}, "choose another name"),
    nasty("metric weights of nan", {"metric": {"weights": {"t": float("nan")}}}, "metric.weights"),
    nasty("metric weights unknown", {"metric": {"weights": {"z": 1}}}, "there is no task 'z'"),
    nasty("ensemble of unknown", {"ensemble/methods": ["meen"]}, "did you mean 'mean'"),
    nasty("ensemble submits unknown", {"ensemble/submit": "blend"}, "ensemble.submit"),
    nasty("ten thousand models", {"models": {f"m{k}": {"kind": "linear", "view": "x"} for k in range(10_000)}}, "there is no text view"),
    Case("ten thousand keys", config={f"k{k}": 1 for k in range(10_000)}, error="unknown key"),
    Case("thousand right models", config={"models": {f"m{k}": {"kind": "lightgbm"} for k in range(1000)}}, fine=lambda result: None),
    Case("thousand seeds", config={"models/linear": {"kind": "lightgbm", "seeds": list(range(1000))}}, fine=lambda result: None),
    Case("thousand steps", config={"text/views/raw": ["lowercase"] * 300}, fine=same),
]  # fmt: skip

CASES = [
    *TEXTS,
    *(Case(name, config=f"{YAML}{text}\n", error=error) for name, text, error in SURPRISES),
    *NAMES,
    *KEYS,
]
