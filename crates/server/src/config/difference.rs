//! What differs between two states of a configuration file, item by item and key by key, as people
//! wrote it: comments, the order of keys and spacing do not count.

use std::collections::BTreeMap;

use hotline_model::{
    change::{ChangeKind, ItemChange, KeyChange},
    limits::SETTINGS_VALUE_CHARS,
};
use toml::{Table, Value};

/// Keys of which nobody is told what they say.
const SECRETS: [&str; 5] = ["password", "secret", "ha1", "key", "token"];

/// The key by which the items of a list are told apart.
const NAMES: [&str; 3] = ["id", "name", "number"];

/// Lists whose items may have a name in common, and the key that tells them apart.
const OWN_NAMES: [(&str, &str); 1] = [("emergency", "number")];

/// Lists whose order says something: of the seats in a fixed order or in turn, of several shifts at a
/// time, and of all on the pages.
const ORDERED: [&str; 6] = ["queue", "seat", "shift", "phone", "emergency", "reason"];

/// An item of a file, as `queue general` or `[sip]`, with its keys.
type Items = BTreeMap<String, Table>;

/// What `after` says otherwise than `before`; both are the text of the file of this name, and have
/// been read before.
pub fn between(file: &str, before_text: &str, after_text: &str) -> Vec<ItemChange> {
    let (before, after) = (items(before_text), items(after_text));
    let mut changes = Vec::new();
    let nothing = Table::new();
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let (was, is) = (before.get(name), after.get(name));
        let kind = match (was, is) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            _ => ChangeKind::Changed,
        };
        let keys = keys(was.unwrap_or(&nothing), is.unwrap_or(&nothing));
        if !keys.is_empty() {
            changes.push(ItemChange {
                file: file.to_owned(),
                item: name.clone(),
                kind,
                keys,
            });
        }
    }
    let orders = ORDERED
        .iter()
        .filter_map(|list| order(list, before_text, after_text));
    changes.extend(orders.map(|(list, key)| ItemChange {
        file: file.to_owned(),
        item: format!("[[{list}]]"),
        kind: ChangeKind::Changed,
        keys: vec![key],
    }));
    changes
}

/// The list's order before and after, of the items that both have, where it is another one.
fn order(list: &'static str, before: &str, after: &str) -> Option<(&'static str, KeyChange)> {
    let (was, is) = (names(list, before), names(list, after));
    let stayed = |all: &[String], others: &[String]| {
        let stayed = all.iter().filter(|name| others.contains(name));
        stayed.cloned().collect::<Vec<_>>()
    };
    let (was, is) = (stayed(&was, &is), stayed(&is, &was));
    (was != is).then(|| {
        let told = |names: &[String]| Some(shortened(names.join(" ")));
        let key = KeyChange {
            key: "order".to_owned(),
            was: told(&was),
            is: told(&is),
        };
        (list, key)
    })
}

/// The names of the list's items, in order.
fn names(list: &str, text: &str) -> Vec<String> {
    let Ok(Some(Value::Array(items))) = text.parse::<Table>().map(|mut all| all.remove(list))
    else {
        return Vec::new();
    };
    let names = items.iter();
    let names = names.filter_map(|item| name_of(list, item.as_table()?));
    names.map(str::to_owned).collect()
}

fn name_of<'a>(list: &str, keys: &'a Table) -> Option<&'a str> {
    let own = OWN_NAMES.iter().find(|(of, _)| *of == list);
    let own = own.map(|(_, key)| key);
    own.into_iter()
        .chain(&NAMES)
        .find_map(|name| keys.get(*name)?.as_str())
}

/// The items of a file. A key that stands alone is an item of its own.
fn items(text: &str) -> Items {
    let mut items = Items::new();
    let Ok(table) = text.parse::<Table>() else {
        return items;
    };
    for (key, value) in table {
        match value {
            Value::Table(keys) => {
                items.insert(format!("[{key}]"), keys);
            }
            Value::Array(list) if list.iter().all(Value::is_table) => {
                for (nth, one) in list.into_iter().enumerate() {
                    let Value::Table(keys) = one else { continue };
                    let name = name_of(&key, &keys);
                    let name = name.map_or_else(|| (nth + 1).to_string(), str::to_owned);
                    let mut item = format!("{key} {name}");
                    // Neither of two of one name may hide what changed of the other.
                    if items.contains_key(&item) {
                        item = format!("{item} ({})", nth + 1);
                    }
                    items.insert(item, keys);
                }
            }
            value => {
                items.insert(key.clone(), Table::from_iter([(key, value)]));
            }
        }
    }
    items
}

fn keys(was: &Table, is: &Table) -> Vec<KeyChange> {
    let mut names: Vec<&String> = was.keys().chain(is.keys()).collect();
    names.sort();
    names.dedup();
    let changed = names
        .into_iter()
        .filter(|key| was.get(*key) != is.get(*key));
    let told = changed.map(|key| {
        let side = |side: &Table| side.get(key).filter(|it| !is_secret(key, it)).map(value);
        KeyChange {
            key: key.clone(),
            was: side(was),
            is: side(is),
        }
    });
    told.collect()
}

/// Whether the key, or one within its value, is a secret.
fn is_secret(key: &str, value: &Value) -> bool {
    let within = match value {
        Value::Table(keys) => keys.iter().any(|(key, value)| is_secret(key, value)),
        Value::Array(list) => list.iter().any(|value| is_secret("", value)),
        _ => false,
    };
    within || SECRETS.iter().any(|secret| key.contains(secret))
}

/// A value as it is written, shortened where it is long.
fn value(value: &Value) -> String {
    shortened(value.to_string())
}

fn shortened(text: String) -> String {
    if text.chars().count() <= SETTINGS_VALUE_CHARS {
        return text;
    }
    let short: String = text.chars().take(SETTINGS_VALUE_CHARS - 1).collect();
    format!("{short}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "[[queue]]\nid = \"a\"\nwrap_up_s = 10 # seconds\nname = \"n\"\n\
                          [[queue]]\nid = \"b\"\nname = \"m\"\n";

    fn told(after: &str) -> Vec<String> {
        let changes = between("queues.toml", BEFORE, after);
        let told = changes.iter().map(|it| {
            let keys = it.keys.iter().map(|key| {
                let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
                format!(" {} {}>{}", key.key, side(&key.was), side(&key.is))
            });
            format!("{:?} {}:{}", it.kind, it.item, keys.collect::<String>())
        });
        told.collect()
    }

    #[test]
    fn comments_spacing_and_the_order_of_keys_are_no_difference() {
        let after = "[[queue]]\nname = \"n\"\nid=\"a\"\n# a\nwrap_up_s = 10\n\
                     [[queue]]\nname=\"m\"\nid = \"b\"\n";
        assert_eq!(told(after), [""; 0]);
    }

    #[test]
    fn another_order_of_those_who_stay_is_a_difference() {
        let a = "[[queue]]\nid = \"a\"\nwrap_up_s = 10\nname = \"n\"\n";
        let b = "[[queue]]\nid = \"b\"\nname = \"m\"\n";
        let c = "[[queue]]\nid = \"c\"\n";
        let turned = told(&format!("{b}{a}"));
        assert_eq!(turned, ["Changed [[queue]]: order a b>b a"]);
        assert_eq!(told(&format!("{c}{a}{b}")), ["Added queue c: id ->\"c\""]);
        // Of numbers, scripts and trunks no order counts.
        let number = |n: u8| format!("[[number]]\nnumber = \"{n}\"\n");
        let (one, two) = (number(1), number(2));
        let other = between(
            "engine.toml",
            &format!("{one}{two}"),
            &format!("{two}{one}"),
        );
        assert_eq!(other, []);
    }

    #[test]
    fn two_numbers_of_help_of_one_name_are_two_items() {
        let one = |number: &str, more: &str| {
            format!("[[emergency]]\nnumber = \"{number}\"\nname = \"公安\"\n{more}")
        };
        let file = |first: &str, second: &str| format!("{}{}", one(first, ""), one(second, ""));
        let items = |before: &str, after: &str| {
            let changes = between("seats.toml", before, after);
            let told = changes
                .iter()
                .map(|it| format!("{:?} {}", it.kind, it.item));
            told.collect::<Vec<_>>()
        };
        let before = file("110", "0571110");
        assert_eq!(
            items(&before, &file("122", "0571110")),
            ["Removed emergency 110", "Added emergency 122"]
        );
        let turned = file("0571110", "110");
        assert_eq!(items(&before, &turned), ["Changed [[emergency]]"]);
        // Nor does one hide another where the name is all there is.
        let shift = |from: &str| format!("[[shift]]\nname = \"早\"\nfrom = \"{from}\"\n");
        let (a, b, c) = (shift("08:00"), shift("12:00"), shift("13:00"));
        assert_eq!(
            items(&format!("{a}{b}"), &format!("{c}{b}")),
            ["Changed shift 早"]
        );
        assert_eq!(
            items(&format!("{a}{b}"), &format!("{a}{c}")),
            ["Changed shift 早 (2)"]
        );
    }

    #[test]
    fn the_order_of_shifts_phones_numbers_of_help_and_reasons_counts() {
        for (list, key) in [
            ("shift", "name"),
            ("phone", "id"),
            ("emergency", "number"),
            ("reason", "id"),
        ] {
            let one = |name: &str| format!("[[{list}]]\n{key} = \"{name}\"\n");
            let changes = between("f", &(one("a") + &one("b")), &(one("b") + &one("a")));
            let items: Vec<_> = changes.iter().map(|it| it.item.as_str()).collect();
            assert_eq!(items, [format!("[[{list}]]")]);
        }
    }

    #[test]
    fn every_key_that_changed_is_told_with_both_its_values() {
        let after = "[[queue]]\nid = \"a\"\nwrap_up_s = 20\nskills = \"x>=2\"\n\
                     [[queue]]\nid = \"c\"\nname = \"k\"\n";
        assert_eq!(
            told(after),
            [
                "Changed queue a: name \"n\">- skills ->\"x>=2\" wrap_up_s 10>20",
                "Removed queue b: id \"b\">- name \"m\">-",
                "Added queue c: id ->\"c\" name ->\"k\"",
            ]
        );
    }

    #[test]
    fn of_a_secret_no_value_is_told() {
        let [was, is] = ["old", "new"]
            .map(|it| format!("[[trunk]]\nname = \"t\"\n[trunk.register]\npassword = \"{it}\"\n"));
        let direct = between("t", "[a]\npassword = \"old\"", "[a]\npassword = \"new\"");
        assert_eq!(direct[0].keys[0].is, None);
        let nested = format!("{:?}", between("trunks.toml", &was, &is));
        assert!(
            !nested.contains("old") && nested.contains("register"),
            "{nested}"
        );
    }

    #[test]
    fn a_long_value_is_shortened() {
        let long = format!("a = \"{}\"", "长".repeat(1_000));
        let changes = between("t", "", &long);
        let shown = changes[0].keys[0].is.as_ref().unwrap();
        assert_eq!(shown.chars().count(), SETTINGS_VALUE_CHARS);
    }
}
