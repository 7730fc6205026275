"""Sentences around the arithmetic: how solutions begin, number their steps, repeat the question and end. Data only."""
# ruff: noqa: E501 (a sentence is easier to read on one line)

FILLERS = (
    "Let's solve this step by step.",
    "Let's break the problem down.",
    "We can work this out one part at a time.",
    "First, let us see what is given and what is asked.",
    "To find the answer, we need to work out each part and put them together.",
    "We need to be careful with the units here.",
    "Let us start with what we know.",
    "To solve this, we go through the text in order.",
    "We are asked for a total, so we look for its parts.",
    "Now we put the parts together.",
    "Okay, here is my solution.",
    "Let me think about what the question asks.",
    "## Solution",
    "We use only addition, subtraction, multiplication and division.",
)

RECALLS = (
    "We know that ",
    "Given: ",
    "",
    "The problem says: ",
    "According to the problem, ",
    "We are told: ",
    "From the text: ",
)

PREFIXES = (
    "{n}. ", "{n}. ", "{n}) ", "Step {n}: ", "Step {n}: ", "**Step {n}:** ", "### Step {n}\n", "- ", "* ", "({n}) ",
    "Step {n}. ", "**{n}.** ",
)  # fmt: skip

ENDINGS = (
    "The answer is @.", "The answer is @", "So the answer is @.", "Therefore, the answer is @.", "Answer: @", "#### @",
    "\\boxed{@}", "$\\boxed{@}$", "The final answer is \\boxed{@}.", "Therefore, the answer is \\(\\boxed{@}\\).",
    "Thus, the final answer is $\\boxed{@}$.", "**Answer: @**", "So the final answer is **@**.", "Hence @ is the answer.",
    "Thus, the total is @.", "The answer is: $@$.", "\\[\n\\boxed{@}\n\\]", "Final answer: @",
)  # fmt: skip


DRILLS = (
    "Work out each line.", "Compute.", "Check these sums.", "Calculate the following, one after the other.",
    "How much is each of these?", "Do the arithmetic.", "Find every result.",
)  # fmt: skip

BEFORE_SUM = (
    "", "", "", "So ", "That makes ", "Then we have ", "The total is ", "Each costs ", "He gets ", "She has ",
    "This leaves ", "They need ", "Now there are ", "In all it is ", "The number is ",
)  # fmt: skip

AFTER_SUM = (
    "",
    "",
    ".",
    ".",
    " apples.",
    " dollars.",
    " in all.",
    " more.",
    " left.",
    " hours.",
    " of them.",
    " pages.",
)

TOKENIZER_TEXTS = (
    r"\frac{} \times \div \cdot \boxed{} \(\) \[\] $$ = + - * / × ÷ · % \% \$ {,} , . ** ** ### #### Step : ( ) ",
    r"$ \times $ $ \div $ \( \frac{ }{ } \) \[ \frac{ } \times \] $ \frac{}{} = $ \text{ } \left( \right) \approx \sqrt{ } ^2 _1",
    "The answer is: Therefore, the final answer is Thus, Hence Given: We know that According to the problem, equals",
    " plus minus times divided by equals is Answer: Final answer So Next, Now, Then First, Second, Finally, Let's",
)
"""What the word pieces should also cover: GSM8K has no LaTeX."""

NAMES = (
    "Ada", "Ben", "Carla", "Dev", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jack", "Kira", "Liam", "Mona", "Noah", "Olga",
    "Pablo", "Quinn", "Rosa", "Sam", "Tina", "Uma", "Victor", "Wendy", "Yusuf", "Zoe", "Maria", "Tom", "Lucy", "James", "Anna",
)  # fmt: skip

THINGS = (
    "apples", "marbles", "stickers", "books", "pencils", "eggs", "cookies", "coins", "cards", "shells", "oranges", "stamps",
    "candies", "flowers", "balloons", "bottles", "toys", "cupcakes", "tickets", "beads", "muffins", "pens", "clips", "pages",
)  # fmt: skip

STARTS = (
    "{A} has {n} {T}.", "{A} starts with {n} {T}.", "There are {n} {T} in {A}'s box.", "{A} bought {n} {T}.",
    "{A} collected {n} {T} on Monday.", "In the morning {A} counted {n} {T}.", "{A} made {n} {T}.", "A shop ordered {n} {T}.",
)  # fmt: skip

_HAVE = "How many {T} are there now?"

EVENTS = (
    ("Then {k} more {T} are added.|After that {A} buys {k} more {T}.|{B} brings {k} more {T}.|{A} gets another {k} {T} from {B}.",
     "n+k", "There are # {T} then.|Together that makes # {T}.|After adding {k} there are # {T}.", _HAVE, 2, 300, False),
    ("{A} gives {k} of them to {B}.|Then {k} of them are lost.|{A} sells {k} of them.|{k} of them break.|{B} eats {k} of them.",
     "n-k", "That leaves # {T}.|There are # {T} left.|Taking away {k} leaves # {T}.|{A} now has # {T}.", "How many {T} are left?", 1, 250, False),
    ("Then the number doubles.|{B} brings as many again, so there are twice as many.|Soon there are twice as many {T}.",
     "n*2", "Twice as many is # {T}.|Doubling gives # {T}.|Now there are # {T}.", _HAVE, 2, 9, False),
    ("{A} gives half of them away.|Half of them are sold.|Only half of them are still good.|{A} keeps half of the {T}.",
     "n/2", "Half of them is # {T}.|That leaves # {T}.|So # {T} remain.", "How many {T} remain?", 2, 9, False),
    ("{B} has three times as many {T} as that.|Later there are three times as many {T}.",
     "n*3", "Three times as many is # {T}.|That is # {T}.", _HAVE, 2, 9, False),
    ("A third of them are kept and the rest given away.|{B} takes one third of that number.",
     "n/3", "A third of that is # {T}.|One third is # {T}.", "How many {T} is that?", 2, 9, False),
    ("{B} has {k} times as many {T}.|{C}'s box holds {k} times that number of {T}.|The next week there are {k} times as many {T}.",
     "n*k", "{k} times as many is # {T}.|That makes # {T}.|So there are # {T}.", "How many {T} is that?", 3, 12, False),
    ("{B} has {k} more {T} than that.|{C} has {k} more {T} than {A}.|{B} finds {k} {T} more than {A}.",
     "n+k", "{k} more than that is # {T}.|So the other one has # {T}.", "How many {T} does the other one have?", 2, 200, False),
    ("{B} has {k} fewer {T} than that.|{C} has {k} {T} less than {A}.|{B} found {k} fewer {T} than {A}.",
     "n-k", "{k} fewer than that is # {T}.|So the other one has # {T}.", "How many {T} does the other one have?", 1, 200, False),
    ("They are shared equally among {k} friends.|{A} puts the same number into each of {k} bags.|{k} children divide them evenly.",
     "n/k", "Each gets # {T}.|Every share has # {T}.|Divided evenly that is # {T} each.", "How many {T} are in each share?", 2, 25, False),
    ("They are packed into boxes of {k}.|Each bag holds {k} {T}, and all bags are full.|{A} ties them in bundles of {k}.",
     "n/k", "That takes # boxes.|This makes # full ones.|# are needed.", "How many boxes, bags or bundles are needed?", 2, 25, True),
    ("This happens every day for {k} days.|{A} needs the same number each day for {k} days.|Each of {k} classes gets that many.",
     "n*k", "In all that is # {T}.|Over all of them it is # {T}.|The total is # {T}.", "How many {T} are that in total?", 3, 40, False),
    ("Each one costs ${k}.|{A} sells them all for ${k} each.|The price is {k} dollars apiece.",
     "n*k", "All together they cost $#.|The money comes to $#.|That is $#.", "How many dollars is that in total?", 2, 60, True),
    ("{k}% of them are red.|{k}% of the {T} are broken.|{B} takes {k}% of them.|Only {k}% of them are new.",
     "n*k/100", "That is # {T}.|{k}% of them is # {T}.|So it is # of the {T}.", "How many {T} is that?", 5, 95, False),
    ("A week later {k} are used up each day for 7 days.|{A} uses {k} of them each day of the week.",
     "n-k*7", "After a week there are # {T} left.|So # {T} are left.", "How many {T} are left after the week?", 1, 20, False),
    ("{B} then adds {k} boxes of 12 {T} each.|{A} also opens {k} packs with a dozen {T} in each.",
     "n+k*12", "With the new ones there are # {T}.|That makes # {T}.", _HAVE, 2, 15, False),
    ("All of them together weigh {k} times as many grams as there are {T}.|One of them weighs {k} grams.|Each takes {k} minutes.",
     "n*k", "In all it is #.|The total is #.|That makes #.", "How much is that in all?", 2, 80, True),
    ("{A} wants to have {k} {T} in the end.|The goal is {k} {T}.|{A} needs {k} {T} altogether.",
     "k-n", "{A} still needs # {T}.|# more {T} are needed.|What is missing is # {T}.", "How many more {T} are needed?", 50, 900, True),
    ("{B} has {k} {T}, and they put all together and share equally between the two of them.|With {B}'s {k} {T} they make two equal heaps.",
     "(n+k)/2", "Each gets # {T}.|Each heap has # {T}.|The average is # {T}.", "How many {T} does each get?", 2, 200, False),
)  # fmt: skip
"""(told, calculation, done, asked, least k, most k, only at the end): `|` parts wordings, # stands for the equation."""

MEANT = """
inch inches foot feet yard yards mile miles pound pounds ounce ounces ton tons gallon gallons quart quarts pint
pints cup cups kilometers meter meters centimeter centimeters gram grams kilogram kilograms liter liters square
perimeter area less fewer more than times remaining remainder left rest difference older younger longer shorter
taller heavier lighter faster slower average sum product total both either percentage fraction ratio quadrupled
quintupled thrice halved plus minus add adds adding subtract subtracts subtracting multiply multiplies multiplying
divide divides dividing increase seventeen nineteen seventy eighty ninety increased decrease decreased reduced
discount profit tax tip per apiece respectively equal equally even evenly
"""
"""Words that say what is to be calculated, or in what unit: no others can stand for them."""
