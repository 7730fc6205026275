r"""The words that state an answer, in the languages that models write.

English, Chinese, German, French, Spanish, Italian, Portuguese, Russian, Japanese, Korean. Owns words only: what they
stand before is read elsewhere. Every repeat is possessive or bounded, so that no text costs more than its length.
"""

import re

from stepcheck.patterns import regex

LATIN_NAMES = (
    r"answers?|ans|final\s{1,4}(?:results?|values?|solutions?)"
    r"|(?:end|schluss)?antwort(?:en)?|endergebnis"
    r"|r[ée]ponses?(?:\s{1,4}(?:finales?|correctes?|exactes?))?"
    r"|respuestas?(?:\s{1,4}(?:final(?:es)?|correctas?))?"
    r"|rispost[ae](?:\s{1,4}(?:final[ei]|corrett[ae]|esatt[ae]))?"
    r"|respostas?(?:\s{1,4}(?:final|finais|corretas?))?"
    r"|ответ(?:ы|ом|ами)?"
)
CHOICE_NAMES = (
    r"(?:correct|right|best)\s{1,4}(?:option|choice|letter)|(?:option|choice)\s{1,4}letter"
    r"|richtige\s{1,4}(?:option|antwort)|opci[óo]n\s{1,4}correcta|bonne\s{1,4}(?:option|réponse)"
    r"|opzione\s{1,4}corretta|(?:opção|alternativa)\s{1,4}correta|правильный\s{1,4}вариант"
)
WIDE_NAMES = "最终答案|最終答案|答案|答え|解答|正解|최종\\s?답|정답|답"
"""Written without blanks around them."""
NAMES = rf"(?:(?<![^\W_])(?<!['’-])(?:{LATIN_NAMES}|{CHOICE_NAMES})(?![^\W_]|['’])|{WIDE_NAMES})"
STEMS = (
    "answer", "ans", "final", "antwort", "endergebnis", "endantwort", "schlussantwort", "réponse", "reponse",
    "respuesta", "rispost", "respost", "ответ", "correct", "right", "best", "option", "choice", "richtige",
    "opci", "bonne", "opzione", "opção", "alternativa", "правильный",
    "最终答案", "最終答案", "答", "解答", "正解", "최종", "정답", "답",
)  # fmt: skip
"""With what a name begins, in lower case: searching a long text for these is quick."""
_NOT = r"not|n[’']t|nicht|keineswegs|pas|никак|never"
IS = (
    r"(?:(?<!\w)(?:(?:is|are|was|were)(?:n[’']t)?|(?:should|would|must|will|can|might|may|could|has\s{1,3}to|needs\s{1,3}to)\s{1,3}be"
    r"|equals?|becomes?|comes\s{1,3}(?:out\s{1,3})?to(?:\s{1,3}be)?|turns\s{1,3}out\s{1,3}to\s{1,3}be"
    r"|works\s{1,3}out\s{1,3}to(?:\s{1,3}be)?|ist|sind|lautet|lauten|beträgt|wäre|heißt"
    r"|(?:n[’'])?est|sont|serait|vaut|(?:no\s{1,3})?(?:es|son|sería|será)|(?:non\s{1,3})?(?:è|sono|sarebbe|sarà)|e['’]"
    r"|(?:não\s{1,3})?(?:é|são|será|seria)|(?:не\s{1,3})?(?:равен|равна|равно|равны|это|является|будет)|не)(?!\w)"
    r"|不是|(?:就|即|便|则|應該|应该|应当|应|應|當|当)?(?:是|为|為)|等于|等於|は|は、|은|는|이|가)"
)
SIGN = r"(?::|：|=(?!=)|＝|->|→|⇒|—|–)"
_ABOUT = (
    r"(?:\s{1,4}(?:to|for|of|in|choice|rounded|expressed|correct|you|we|that|which|al?|alla|ao|aux?|à|de|del|della|des|do|da|auf|zur?|na|на|задачи)(?!\w)"
    r"(?:[^\n.:=?!。\"“]|\"[^\"\n]{0,80}\"|“[^”\n]{0,80}”){0,80}?"
    r"|\s{0,4}[(（][^()（）\n]{0,60}[)）]|,[^\n.:=?!]{1,60},|[ \t]{0,4}\d{0,2})"
)
LOOKS = r"[\s*_`\"'”“’\])】」』~]"
PHRASE = regex(
    rf"(?P<open>[【\[「])?(?:{NAMES})(?P<about>{_ABOUT})"
    rf"(?P<says>(?(open)[】\]」]|(?:[ \t*_]{{1,6}}-(?=[ \t])|{LOOKS}{{0,12}}+(?:(?P<is>{IS})|(?P<sign>{SIGN})))))"
    rf"(?:{LOOKS}{{0,12}}+[:：])?",
    re.IGNORECASE,
)
"""`the answer to part (b) is`, `**Answer:**`, 答案是; what it states begins at its end."""
HEADING = regex(
    r"^[ \t>]{0,8}+(?:#{1,6}[ \t]{0,4}+)?(?:<[a-z0-9]{1,8}>)?(?:[^\w\s]{0,12}+[ \t]{0,4}+)"
    r"(?:(?:step[ \t]?)?\d{1,2}[.):][ \t]{0,4}+)?[*_]{0,3}+"
    rf"(?:(?:the|our|my|die|la|le|a|o|una?|so|and|\w{{1,12}})[ \t]{{1,3}}+){{0,3}}?(?:{NAMES})"
    r"[ \t*_:：】\])]{0,8}(?:</[a-z0-9]{1,8}>)?[ \t]{0,4}$",
    re.IGNORECASE | re.MULTILINE,
)
"""A line that is nothing but the name of an answer; what it states stands under it."""
NEGATED = regex(rf"(?:{_NOT}|не|不是|(?:no|non)(?=\s+(?:es\s+|è\s+)?[-−\d$\\]))(?!\w)", re.IGNORECASE)
SAYS_NOT = regex(r"(?:n[’'](?:est)?|no\s.*|non\s.*|não\s.*|не(?:\s.*)?|不.*|.*n[’']t)", re.IGNORECASE | re.DOTALL)
"""A copula that denies."""
BUT = regex(
    r"[,，;；]?\s{0,3}+(?:(?<!\w)(?:but(?:\s+rather)?|sondern|mais(?:\s+bien)?|sino|ma|mas(?:\s+sim)?|а)(?!\w)|而是|ではなく|아니라)"
    r"|[,;]\s{1,3}(?:it(?:\s+is|['’]s)|(?:sie|es)\s+ist|c['’]est|es|è|é|это|是)(?!\w)",
    re.IGNORECASE,
)
"""`not 5 but 7`: what follows is what is stated."""
UNSAID = regex(
    r"(?:no|wrong|incorrect|mistaken|naive|alternative|another|possible|tentative|intermediate|previous|student['’]?s?"
    r"|whether|if|wenn|suppose|assum\w{1,4}|unless|si|se|falsche|si|если|неправильный|错误的?|如果)"
    r"(?:[\s,]{1,3}(?:that|the|our|my|final|correct|die|la|a|of|is|way|to)){0,3}[\s'’]{0,3}$",
    re.IGNORECASE,
)
"""What stands before a phrase that states nothing: the wrong answer is, if the answer is."""
_NOUNS = (
    r"the\s+(?:number|point|interval|set|fraction|integer|value|ordered\s+pair|pair|triple|tuple|vector|matrix|equation|expression"
    r"|function|polynomial|ratio)|die\s+(?:Zahl|Menge)|der\s+Punkt|das\s+Intervall|le\s+(?:nombre|point)|l[’']\s?(?:ensemble|intervalle)"
    r"|el\s+(?:número|punto|conjunto|intervalo)|il\s+(?:numero|punto)|o\s+(?:número|ponto|conjunto)|число"
)
ADVERBS = regex(
    rf"(?:(?:{_NOUNS})(?=\s(?:[-−\d\\(\[{{]|\$(?![A-Za-z]\$)))|"
    r"(?:of\s+course|in\s+fact|probably|likely|still|always|actually|obviously|(?:once\s+)?again"
    r"|indeed|simply|just|therefore|thus|hence|then|also|so|now|clearly|exactly|precisely|only|approximately|about"
    r"|around|roughly|nearly|equal\s+to|given\s+by|found\s+to\s+be|as\s+follows|the\s+following|daher|somit|damit|demnach"
    r"|genau|gleich|donc|alors|ainsi|exactement|égale?\s+à|entonces|pues|por\s+(?:lo\s+)?tanto|igual\s+a|quindi|dunque"
    r"|portanto|então|logo|значит|таким\s+образом|равен|равно)(?!\w)|就是|就|即|约|約|\(?[≈≃]\)?)[\s,:：]{0,4}+",
    re.IGNORECASE,
)
_REASONS = (
    r"because|since|as|weil|denn|nämlich|car|parce|puisque|porque|ya\s+que|pues|perché|poiché|pois|потому|так\s+как"
    r"|поскольку|rather\s+than|instead\s+of|and\s+not|not|nicht|et\s+non|und\s+nicht"
)
_WIDE_REASONS = "因为|因為|而不是|なぜなら|왜냐하면"
REASON = regex(rf"[,;]?\s{{0,3}}+[(（]?(?<!\w)(?:{_REASONS})(?!\w)|[，,]?\s{{0,3}}+(?:{_WIDE_REASONS})", re.IGNORECASE)
"""What begins a reason behind an answer."""
CLAUSE = regex(
    rf"[,;]?\s{{0,3}}+[(（]?(?<!\w)(?:{_REASONS}|so|which|when|where|if|while|after|given|for|with|who|that|due|according|da"
    r"|wenn|soit|lorsque|cuando|quando|and\s+(?:this|that|it|the|we|so|I|you)|or\s+(?:about|approximately|roughly|around))(?!\w)"
    rf"|[，,]?\s{{0,3}}+(?:{_WIDE_REASONS}|所以)",
    re.IGNORECASE,
)
"""What begins a clause behind an answer; it says nothing of the answer."""
AND = r"(?:,|;|、|，|；|&|(?<!\w)(?:and|or|und|oder|sowie|et|ou|y|o|e|и|или)(?!\w)|和|或者?|及|と|または|와|과|또는)"
ENDINGS = regex(
    r"\s{0,3}+(?:です|である|となります|になります|だ|입니다|이다|이에요|예요|가 됩니다|이\s?됩니다)[。.]?$"
)
PLACEHOLDER = regex(
    r"[\s\\{}()\[\]<>_*.…?$~-]*+(?:\\?(?:text|mathrm|textbf)\s?\{)?[\s<\[({]*+(?:(?:your|the|my|final|correct|insert|put)[\s_-]{1,3})*+"
    r"(?:answers?|ans|result|answer[\s_-]?here|here|placeholder|[lc]?dots|boxed|none given|答案|你的答案|最终答案|"
    r"see\s+(?:above|below)|as\s+above|as\s+follows)?[\s_-]*+(?:here)?[\s\\{}()\[\]<>_*.…?$~!-]*+",
    re.IGNORECASE,
)
"""What stands where an answer would: `answer`, `…`, nothing."""
_VAGUE = (
    r"found|given|obtained|confirmed|rounded|expressed|written|stated|reported|formatted|enclosed|placed|accurate|between|in|of"
    r"|to|as|the\s+(?:sum|product|difference|quotient|ratio|number|total|amount|value|result)\s+(?:of|between|that|which|we|you)|the\s+(?:same|one|following)"
    r"|how|what"
    r"|let|simplified|based|correct"
)
VAGUE = regex(rf"(?:{_VAGUE})(?!\w)", re.IGNORECASE)
"""How a sentence goes on that speaks of an answer and does not state it, whatever numbers are in it."""
NO_ANSWER = regex(
    rf"(?:{_VAGUE}|right|wrong|incorrect|reasonable|consistent|verified|valid|clear|unique|simple|obvious|an?|first|we|now|here"
    r"|below|above|positive|negative(?!\s(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|\w+teen|\w+ty)(?!\w))|ready|not|also|still|already|wahr|richtig)(?!\w)",
    re.IGNORECASE,
)
"""How a sentence about an answer goes on that does not state it."""
DATE = regex(
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)\s\d{1,2}(?:,?\s\d{4})?$"
)
CHECK = regex(
    r"[\s*_#>]{0,12}(?:check|checking|explanation|reasoning|reason|note|proof|verification|verify|why|because|justification|details"
    r"|probe|begründung|erklärung|explication|vérification|explicación|comprobación|spiegazione|verifica|explicação|проверка"
    r"|объяснение|解析|验证|验算|解説|풀이)(?!\w)",
    re.IGNORECASE,
)
"""How a text goes on that has stated its answer first."""
YES_NO = regex(
    r"(?:yes|no|true|false|yes\.|ja|nein|oui|non|sí|si|sì|não|sim|да|нет|是的?|否|对|错|正确|错误|はい|いいえ|예|아니오)(?!\w)",
    re.IGNORECASE,
)
FUNCTIONS = frozenset({
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "log", "ln",
    "lg", "exp", "sqrt", "cbrt", "pi", "max", "min", "mod", "gcd", "lcm", "det", "deg", "rad", "inf",
    "infinity", "and", "or", "und", "oder", "et", "ou", "theta", "alpha", "beta",
})  # fmt: skip
"""Words that belong to a formula in plain text."""
