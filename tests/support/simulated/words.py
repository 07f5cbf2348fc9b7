"""The words that simulated prompts are made of; where there are five lists, they go from easy to hard."""

from __future__ import annotations

# fmt: off
NAMES = (
    "Aisha", "Bruno", "Carmen", "Dmitri", "Elena", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kavya",
    "Liam", "Mei", "Nadia", "Omar", "Priya", "Quinn", "Rosa", "Stefan", "Tariq", "Ursula", "Viktor",
    "Wanda", "Ximena", "Yusuf", "Zofia", "Anders", "Beatriz", "Chidi", "Dalia", "Emeka", "Freya", "Goran",
    "Hana", "Ivo", "Jelena", "Kofi", "Leila", "Marco", "Noor", "Otto", "Paloma", "Ravi", "Selma", "Tomas",
    "Uma", "Vera", "Winston", "Yara", "Zoltan",
)
CITIES = (
    "Lagos", "Oslo", "Lima", "Hanoi", "Porto", "Quito", "Riga", "Cairo", "Perth", "Kyoto", "Dakar",
    "Bergen", "Tunis", "Bogota", "Split", "Leeds", "Turin", "Ghent", "Graz", "Basel", "Cork", "Malmo",
    "Tampere", "Nantes", "Bilbao", "Gdansk", "Brno", "Varna", "Izmir", "Haifa", "Muscat", "Pune", "Cebu",
    "Busan", "Sapporo", "Hobart", "Dunedin", "Calgary", "Tucson", "Recife", "Rosario", "Cusco", "Arusha",
    "Kigali", "Luanda", "Fez",
)
GOODS = (
    "apples", "lanterns", "notebooks", "bicycles", "carpets", "kettles", "tulips", "violins", "mugs",
    "tiles", "blankets", "candles", "stamps", "marbles", "ropes", "pumpkins", "chairs", "helmets",
    "pencils", "scarves", "buckets", "ladders", "postcards", "crates", "walnuts", "oranges", "keyboards",
    "bolts", "batteries", "umbrellas", "brushes", "whistles", "puzzles", "magnets", "cushions", "lamps",
    "kites", "drums",
)
ACTORS = (
    "the harbour council", "a retired engineer", "the night-shift nurses", "a small bakery",
    "the rowing club", "two geologists", "the museum's new director", "a group of beekeepers",
    "the ferry company", "an amateur astronomer", "the school orchestra", "a regional bank",
    "the tram drivers", "a seed library", "the mountain rescue team", "a chess teacher", "the city archive",
    "three apprentice carpenters", "the weather service", "a travelling theatre", "the fishing cooperative",
    "a young translator", "the botanical garden", "an insurance office", "the volunteer firefighters",
    "a radio station",
)
ACTS = (
    "repaired the old lighthouse", "published a map of hidden springs", "cancelled the spring fair",
    "bought forty second-hand looms", "refused to sign the contract", "measured the glacier again",
    "opened a repair workshop", "lost the only copy of the ledger", "planted six hundred chestnut trees",
    "tested a quieter engine", "moved the archive underground", "taught newcomers to read tide tables",
    "sold the last steam crane", "won a grant for clean heating", "rebuilt the wooden bridge",
    "counted the swifts above the station", "changed the opening hours", "recorded an album of work songs",
    "closed the northern quay", "proposed a tax on empty shops", "found a flaw in the new timetable",
    "borrowed a drone from the university", "rejected the cheaper offer", "wrote down every recipe",
)
TIMES = (
    "last winter", "on Tuesday", "after the flood", "before sunrise", "in the third quarter",
    "during the strike", "ten years ago", "at the end of May", "without warning", "for the first time",
    "as planned", "shortly after midnight", "while prices were falling", "against all advice",
    "over a long weekend",
)
REASONS = (
    "because the roof had begun to leak", "although nobody had asked for it",
    "so that visitors would stay longer", "since the permit was about to expire",
    "even though the budget was gone", "which surprised the neighbours", "unless the mayor objected",
    "as the insurers had demanded", "despite a shortage of copper",
    "because the river had changed its course", "while the courts were still deciding",
)
UNITS = (
    (("metres", "centimetres"), ("kilograms", "grams"), ("hours", "minutes"), ("litres", "millilitres"),
     ("weeks", "days"), ("kilometres", "metres")),
    (("miles", "kilometres"), ("pounds", "kilograms"), ("inches", "centimetres"), ("gallons", "litres"),
     ("degrees Celsius", "degrees Fahrenheit"), ("acres", "hectares")),
    (("knots", "metres per second"), ("horsepower", "kilowatts"), ("calories", "joules"),
     ("bar", "pascals"), ("kilowatt-hours", "megajoules"), ("nautical miles", "furlongs")),
    (("miles per US gallon", "litres per 100 kilometres"),
     ("pounds per square inch", "millimetres of mercury"), ("foot-pounds", "newton metres"),
     ("cubic feet per minute", "litres per second"), ("grains per gallon", "milligrams per litre"),
     ("poundals", "newtons")),
    (("BTU per hour per square foot per degree Fahrenheit", "watts per square metre kelvin"),
     ("electronvolts per atom", "kilojoules per mole"),
     ("slugs per cubic foot", "kilograms per cubic metre"),
     ("stokes of kinematic viscosity", "square feet per hour"),
     ("gauss-oersteds", "joules per cubic metre"),
     ("milliequivalents of calcium per litre", "grains of hardness per US gallon")),
)
UNIT_USES = (
    "for a school poster", "for a boat log", "for a recipe card", "for a spec sheet", "for a customs form",
    "for a lab notebook", "for a tender", "for a travel blog", "for a safety label", "for a sports report",
)
TASKS = (
    ("reverses a string", "adds up a list of numbers", "counts the vowels in a word",
     "finds the largest of three", "checks whether a number is even", "prints the days of the week",
     "joins two lists"),
    ("removes duplicates from a list but keeps its order", "counts how often each word occurs in a text",
     "tells whether a phrase is a palindrome", "merges two sorted lists",
     "parses a date such as 2021-03-04", "finds the second largest value",
     "turns a nested list into a flat one"),
    ("implements a binary search tree with deletion", "parses CSV with quoted fields", "solves a sudoku",
     "finds the shortest path in a weighted graph", "evaluates an arithmetic expression with parentheses",
     "keeps a least-recently-used cache", "computes the edit distance of two words"),
    ("implements a thread-safe bounded queue with timeouts",
     "matches regular expressions with backreferences", "balances a red-black tree on insertion",
     "computes a minimum-cost flow", "compresses text by Huffman codes",
     "schedules tasks with dependencies and deadlines on a pool of workers",
     "diffs two trees in quadratic time"),
    ("implements a lock-free skip list with safe memory reclamation",
     "runs Raft leader election and log repair", "type-checks a language with higher-rank polymorphism",
     "allocates registers by colouring with live-range splits",
     "proves by construction that a scheduler never deadlocks",
     "maintains a suffix automaton under deletions",
     "compiles pattern matches to decision trees with guards and or-patterns"),
)
LANGUAGES_OF_CODE = (
    "Python", "Rust", "Go", "Java", "TypeScript", "C++", "Haskell", "Kotlin", "Ruby", "Swift",
)
CODE_WISHES = (
    "Keep it short.", "Add type annotations.", "Use no library.", "Write a docstring.",
    "Name the function run.", "Return an empty result for empty input.", "Explain it in two lines.",
    "Include one usage example.", "Raise an error on bad input.", "Prefer clarity to speed.",
    "It runs on a small device.", "Inputs hold up to a million items.",
    "Follow the house style: early returns.", "Add three unit tests.",
)
TABLES = (
    ("orders", "customer_id", "total", "placed_at"),
    ("flights", "airline", "delay_minutes", "departed_at"),
    ("rentals", "bike_id", "fee", "returned_at"),
    ("visits", "patient_id", "charge", "admitted_on"),
    ("loans", "branch", "principal", "issued_on"),
    ("tickets", "agent", "hours_open", "closed_at"),
    ("harvests", "orchard", "tonnes", "picked_on"),
    ("sensors", "station", "reading", "measured_at"),
    ("payslips", "employee_id", "net_pay", "paid_on"),
    ("matches", "team", "goals", "played_on"),
    ("parcels", "courier", "weight_kg", "shipped_at"),
    ("bookings", "hotel", "price", "arrives_on"),
)
QUERIES = (
    ("lists all rows of {t} with {v} above {n}", "counts the rows of {t}", "shows the largest {v} in {t}",
     "lists the distinct values of {k} in {t}"),
    ("shows the mean {v} for each {k} in {t}, largest first", "counts the rows of {t} per month of {d}",
     "lists the {n} rows of {t} with the smallest {v}", "shows each {k} with more than {n} rows in {t}"),
    ("joins {t} to accounts on {k} and sums {v} per region, with regions without rows shown as 0",
     "shows every {k} of {t} whose mean {v} exceeds the overall mean by {n} percent",
     "lists each {k} in {t} that has no row after 2019-0{m}-01"),
    (
        "ranks every {k} of {t} by {v} within each month of {d} and keeps the top {m}, ties "
        "included",
        "computes a running total of {v} per {k} over {d} with a window that restarts each quarter",
        "pivots {t} into one row a {k} with a column for each of the last {m} months",
    ),
    (
        "finds gaps longer than {n} days between consecutive {d} of each {k} in {t} by gaps-and-"
        "islands, without window functions",
        "walks a recursive hierarchy of {k} in {t} and allocates {v} to ancestors in proportion "
        "to their depth, guarding against cycles",
        "computes the median {v} per {k} over a sliding window of {n} days of {d} with late-"
        "arriving corrections applied as of each date",
    ),
)
TONGUES = (
    ("Spanish", "French", "Italian"),
    ("German", "Portuguese", "Dutch"),
    ("Polish", "Turkish", "Japanese"),
    ("Hungarian", "Georgian", "Amharic"),
    ("Basque", "Old Norse", "Classical Tibetan"),
)
REGISTERS = (
    "", "in a polite tone", "as a formal letter would put it",
    "in legal language with its defined terms kept", "as metrical verse that keeps the pun",
)
QUESTIONS = (
    ("What is the capital of {country}?", "On which continent does {country} lie?",
     "What colour is {thing}?", "Is {thing} found more often in summer or in winter?",
     "Name a neighbour of {country}."),
    ("Which currency is used in {country}?", "What is the longest river of {country}?",
     "Which language do most people in {country} speak?", "What is {thing} mostly made of?"),
    ("In which century did {country} adopt its present flag?", "Who was the best known poet of {country}?",
     "Which chemical element gives {thing} its characteristic look?",
     "What did traders from {city} export in {year}?"),
    ("Who held the finance ministry of {country} in {year}?",
     "Which architect designed the town hall of {city}?",
     "Which treaty settled the border of {country} after {year}?",
     "What was the population of {city} according to the census of {year}?"),
    (
        "Who was the deputy surveyor of harbours in {city} in {year}, and who succeeded him?",
        "Which clause of the {year} fisheries act of {country} exempted vessels under {number} "
        "tonnes?",
        "What was the print run of the {year} almanac of {city}, second edition?",
        "Which manuscript first mentions {thing} in the dialect spoken near {city} before {year}?",
    ),
)
COUNTRIES = (
    "Peru", "Kenya", "Norway", "Japan", "Egypt", "Chile", "Poland", "Ghana", "Nepal", "Cuba", "Iceland",
    "Jordan", "Laos", "Malta", "Oman", "Portugal", "Qatar", "Rwanda", "Senegal", "Tonga", "Uruguay",
    "Vietnam", "Yemen", "Zambia", "Albania", "Bolivia", "Cyprus", "Denmark", "Ecuador", "Finland", "Greece",
    "Honduras", "India", "Kuwait", "Latvia", "Mexico", "Namibia", "Paraguay", "Romania", "Slovenia", "Togo",
    "Uganda", "Estonia", "Fiji", "Gabon",
)
THINGS = (
    "a ripe banana", "a ladybird", "amber", "chalk", "copper roofing", "an emerald", "fresh snow",
    "a fire engine", "a flamingo", "jade", "lapis lazuli", "marble", "moss", "obsidian", "a peacock",
    "rust", "saffron", "slate", "a sunflower", "turquoise", "vermilion", "a violet", "wrought iron",
    "zinc white", "birch bark", "cinnabar",
)
TRAITS = (
    "older", "taller", "faster", "richer", "louder", "luckier", "earlier", "heavier",
)
FIELDS = (
    "name", "city", "date", "invoice number", "amount", "currency", "item", "quantity", "due date", "phone",
)
FORMS = (
    "an email", "a poem", "a product description", "a speech", "a notice", "a short story", "a review",
    "a slogan",
)
TONES = (
    "friendly", "formal", "playful", "sober", "urgent", "warm", "dry", "hopeful",
)
OCCASIONS = (
    "a broken lift", "the opening of a library", "a delayed parcel", "a farewell", "a new kind of bread",
    "a village race", "a leaking tent", "the first snow", "a lost dog", "a pay rise", "a museum of clocks",
    "a cancelled concert", "an anniversary", "a recycling scheme", "a night train", "a blood drive",
)
DEMANDS = (
    "Mention {name}.", "Name {city} once.", "Stay under {n} words.",
    "Begin every sentence with a different letter.", "Never use the letter e.",
    "Make the first letters of the lines spell {NAME}.", "Use exactly {n} words.",
    "Keep to iambic pentameter.", "Hide the number {n} in the third sentence.", "End with a palindrome.",
)
# fmt: on
