"""How people say the values of slots: common ways first, rare ones last."""

from __future__ import annotations

from routoo.lab.tasks.vocabulary import CITIES

Phrases = dict[str, tuple[str, ...]]
"""Values, and how each is said; the first ways are the commonest."""

# fmt: off
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

AREA: Phrases = {
    "north": ("in the north", "up north", "in the northern part of town", "on the north side"),
    "south": ("in the south", "down south", "in the southern part of town", "on the south side"),
    "east": ("in the east", "on the east side", "in the eastern part of town", "out east"),
    "west": ("in the west", "on the west side", "in the western part of town", "out west"),
    "centre": ("in the centre", "downtown", "in the heart of the city", "right by the main square",
               "where everything is within walking distance"),
    "dontcare": ("in any area", "wherever you like", "anywhere in town"),
}
PRICE: Phrases = {
    "cheap": ("cheap", "inexpensive", "easy on the wallet", "for little money", "as we are rather broke"),
    "moderate": ("moderately priced", "mid-range", "neither fancy nor shabby", "at an average price"),
    "expensive": ("expensive", "upscale", "really posh", "where money is no object", "fit for a king"),
    "dontcare": ("at any price", "whatever it costs"),
}
PEOPLE: Phrases = {
    "1": ("for one person", "just for me", "for me alone"),
    "2": ("for two people", "for 2", "for my wife and me", "for a couple", "for the pair of us"),
    "3": ("for three people", "for 3", "for me and my two kids", "for a party of three"),
    "4": ("for four people", "for 4", "for two couples", "for my wife, our twins and me"),
    "5": ("for five people", "for 5", "for me and four friends", "for a group of five"),
    "6": ("for six people", "for 6", "for three couples", "for half a dozen of us"),
    "8": ("for eight people", "for 8", "for four couples"),
}
NIGHTS: Phrases = {
    "1": ("for one night", "just overnight"),
    "2": ("for two nights", "for 2 nights", "for a couple of nights"),
    "3": ("for three nights", "for 3 nights"),
    "4": ("for four nights", "for 4 nights"),
    "7": ("for seven nights", "for a week"),
    "14": ("for a fortnight", "for two weeks"),
}
STARS: Phrases = {
    star: (f"with {star} stars", f"of {word} stars", f"a {word}-star one")
    for star, word in (("2", "two"), ("3", "three"), ("4", "four"), ("5", "five"))
}
PARKING: Phrases = {
    "yes": ("with parking", "with free parking", "where I can leave my car", "since we drive there"),
    "no": ("without parking", "no parking needed", "we come on foot"),
    "dontcare": ("with or without parking", "parking does not matter"),
}
FOOD: Phrases = {
    "italian": ("italian food", "an italian place", "somewhere for pizza and pasta", "good lasagne"),
    "indian": ("indian food", "an indian place", "a curry house", "somewhere with a tandoor"),
    "chinese": ("chinese food", "a chinese place", "somewhere for dim sum", "peking duck"),
    "japanese": ("japanese food", "a japanese place", "a sushi bar", "ramen"),
    "mexican": ("mexican food", "a mexican place", "somewhere for tacos", "burritos"),
    "french": ("french food", "a french place", "a bistro with coq au vin", "crepes"),
    "greek": ("greek food", "a greek place", "moussaka and souvlaki"),
    "thai": ("thai food", "a thai place", "pad thai"),
    "dontcare": ("any kind of food", "whatever food there is"),
}
KIND: Phrases = {
    "art": ("about art", "with paintings", "of modern art", "with sculptures"),
    "science": ("about science", "with experiments to try", "of natural science"),
    "history": ("about history", "on the local past", "with roman finds"),
    "aviation": ("about aviation", "with old aeroplanes", "for people who love to fly"),
    "music": ("about music", "with old instruments"),
    "dontcare": ("of any kind", "whatever it shows"),
}
FIELD: Phrases = {
    "eyes": ("for my eyes", "since I see everything blurred", "an ophthalmologist"),
    "teeth": ("for my teeth", "a dentist", "since I have a toothache"),
    "skin": ("for my skin", "a dermatologist", "because of a rash"),
    "heart": ("for my heart", "a cardiologist", "because of palpitations"),
    "children": ("for my child", "a paediatrician", "since my baby has a fever"),
}
GENRE: Phrases = {
    "comedy": ("a comedy", "something funny", "a film to laugh at"),
    "horror": ("a horror film", "something scary", "a film with zombies"),
    "romance": ("a romance", "a love story", "something for date night"),
    "animation": ("an animated film", "a cartoon for the kids"),
    "dontcare": ("any kind of film", "whatever is on"),
}
SIZE: Phrases = {
    "small": ("a small one", "something easy to park", "the tiniest you have"),
    "family": ("a family car", "with room for the kids", "an estate"),
    "van": ("a van", "with room for a sofa", "a minibus"),
    "dontcare": ("of any size", "the size does not matter"),
}
SPORT: Phrases = {
    "yoga": ("for yoga", "to stretch and breathe", "with sun salutations"),
    "swimming": ("for swimming", "with a pool", "to do some lengths"),
    "boxing": ("for boxing", "with a ring and gloves", "to hit a punching bag"),
    "climbing": ("for climbing", "with a bouldering wall"),
}
_HOURS = ("twelve", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
TIME: Phrases = {
    f"{hour:02d}:{minute:02d}": (
        f"at {hour:02d}:{minute:02d}",
        f"at {said} in the {'morning' if hour < 12 else 'afternoon' if hour < 18 else 'evening'}",
        f"{hour % 12 or 12}{f':{minute:02d}' if minute else ''} {'am' if hour < 12 else 'pm'}",
    )
    for hour in range(7, 23)
    for minute, said in (
        (0, f"{_HOURS[hour % 12]} o'clock"),
        (15, f"a quarter past {_HOURS[hour % 12]}"),
        (30, f"half past {_HOURS[hour % 12]}"),
        (45, f"a quarter to {_HOURS[(hour + 1) % 12]}"),
    )
}
FROM: Phrases = {city.lower(): (f"from {city}", f"leaving {city}", f"out of {city}") for city in CITIES}
TO: Phrases = {city.lower(): (f"to {city}", f"going to {city}", f"{city} bound") for city in CITIES}
DAY: Phrases = {day: (f"on {day}", f"this {day}", f"{day}", f"{day} it is") for day in DAYS}

FIRST = ("Golden", "Blue", "Old", "Silver", "Royal", "Little", "Grand", "Green", "Quiet", "Crooked", "Velvet",
         "Iron", "Amber", "Merry", "Hidden", "Scarlet", "Lucky", "Broken", "Seven", "Winter")
LAST = ("Lantern", "Harbour", "Garden", "Crown", "Mill", "Anchor", "Fox", "Bridge", "Orchard", "Tower",
        "Swan", "Oak", "Compass", "Gate", "Heron", "Wheel", "Bell", "Rose", "Lion", "Court")
# fmt: on
"""Of which names are made."""
