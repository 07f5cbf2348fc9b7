"""The words that tasks are made of."""

from __future__ import annotations

# fmt: off
NAMES = (
    "Amina", "Bruno", "Clara", "David", "Elif", "Farid", "Grace", "Hugo", "Irene", "Jakob", "Kenji", "Laura",
    "Mateo", "Nadia", "Oscar", "Petra", "Rosa", "Samir", "Tanja", "Umar", "Vera", "Walter", "Yuki", "Zoe",
)
CITIES = (
    "Athens", "Bergen", "Cairo", "Dublin", "Essen", "Geneva", "Hanoi", "Izmir", "Jakarta", "Kyoto", "Lima",
    "Madrid", "Nairobi", "Oslo", "Porto", "Quito", "Riga", "Sofia", "Tunis", "Utrecht", "Vienna", "Zagreb",
)
JOBS = (
    "baker", "carpenter", "dentist", "driver", "farmer", "gardener", "journalist", "lawyer", "mechanic",
    "nurse", "painter", "pilot", "plumber", "teacher", "translator", "welder",
)
THINGS = (
    "apples", "bottles", "candles", "chairs", "cups", "gloves", "hammers", "lamps", "maps", "pencils",
    "plates", "ropes", "shirts", "stamps", "tickets", "tiles", "towels", "umbrellas",
)
PRODUCTS = (
    "blender", "bicycle", "camera", "clock", "drill", "fan", "guitar", "heater", "iron", "jacket", "kettle",
    "lamp", "mattress", "oven", "phone", "printer", "radio", "scooter", "tent", "toaster", "watch",
)
WORDS = (
    "ant", "arm", "bed", "cat", "cup", "dog", "ear", "fox", "hat", "ice", "jar", "key", "leg", "map", "net",
    "oak", "pen", "rug", "sun", "tea", "urn", "van", "web", "yak", "zip", "acid", "bell", "cave", "desk",
    "echo", "fern", "gold", "hill", "iron", "jazz", "kite", "lake", "moon", "nest", "oven", "pond", "quiz",
    "rope", "salt", "tent", "unit", "vase", "wolf", "yarn", "zero", "apple", "bread", "chair", "dance",
    "eagle", "flute", "grape", "honey", "ivory", "jewel", "knife", "lemon", "melon", "night", "ocean",
    "piano", "queen", "river", "stone", "tiger", "uncle", "voice", "wheat", "youth", "zebra", "anchor",
    "basket", "castle", "dragon", "engine", "forest", "garden", "hammer", "island", "jacket", "kettle",
    "ladder", "mirror", "needle", "orange", "pepper", "rabbit", "saddle", "tunnel", "valley", "window",
    "balloon", "cabbage", "diamond", "elephant", "feather", "giraffe", "harvest", "journey", "kitchen",
    "library", "machine", "notebook", "octopus", "penguin", "rainbow", "sandwich", "teacher", "umbrella",
    "village", "whistle", "avalanche", "butterfly", "crocodile", "discovery", "education", "furniture",
    "geography", "hurricane", "invention", "lighthouse", "microscope", "newspaper", "orchestra",
    "passenger", "revolution", "strawberry", "television", "university", "volunteer", "waterfall",
)
GOOD = (
    "worked from the first day", "exceeded my hopes", "is a pleasure to use", "was worth every cent",
    "made the whole family happy", "arrived early and in perfect shape", "is sturdy and beautiful",
    "could not have been better", "still looks new after a year", "solved my problem at once",
)
BAD = (
    "broke after two days", "was a waste of money", "arrived late and damaged", "is flimsy and ugly",
    "never worked at all", "made me ask for a refund", "could not have been worse",
    "fell apart at the first touch", "smells terrible", "let me down again",
)
TOPICS = {
    "sports": (
        "Late penalty sends the home side into the final", "Marathon runner breaks the national record",
        "Coach resigns after third defeat in a row", "Young swimmer wins two gold medals",
        "Cyclist takes the yellow jersey in the Alps", "Striker signs for three more seasons",
    ),
    "politics": (
        "Parliament votes on the new tax law tonight", "Minister resigns over travel expenses",
        "Opposition gains in regional elections", "President vetoes the border bill",
        "Mayor wins second term by a narrow margin", "Coalition talks collapse after a week",
    ),
    "business": (
        "Carmaker posts record profit for the quarter", "Central bank leaves interest rates unchanged",
        "Two airlines agree to merge", "Start-up raises forty million from investors",
        "Retailer closes a hundred stores", "Shares fall after a weak forecast",
    ),
    "science": (
        "Telescope finds water vapour on a distant planet", "Researchers map the brain of a fruit fly",
        "New battery material charges in five minutes", "Fossil shows how early birds flew",
        "Physicists measure a particle's mass anew", "Bacteria that eat plastic found in a lake",
    ),
    "health": (
        "Hospital trials a new vaccine against malaria", "Doctors warn of a wave of flu",
        "Study links sleep to a healthy heart", "Clinic opens a ward for burn patients",
        "More children need glasses, survey finds", "New pill lowers blood pressure in trial",
    ),
    "weather": (
        "Storm brings heavy snow to the coast", "Heat wave expected to last until Friday",
        "Floods close roads after a night of rain", "Fog grounds flights at the airport",
        "First frost of the autumn arrives early", "Strong winds bring down trees",
    ),
    "music": (
        "Orchestra opens its season with a new symphony", "Singer cancels tour after losing her voice",
        "Band releases its first album in ten years", "Pianist, 12, wins the city's competition",
        "Festival adds a second stage for jazz", "Lost recording of a famous quartet found",
    ),
}
# fmt: on
