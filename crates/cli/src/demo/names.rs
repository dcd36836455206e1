//! What the demo's members are called: as on any large server, in several scripts, some short, some long, some from right to left.

use super::people::MEMBERS;

const GIVEN: [&str; 56] = [
    "Ada", "Alan", "Amara", "Ana", "Anton", "Barbara", "Beatriz", "Björn", "Brian", "Chloé", "Clara",
    "Dennis", "Dorothy", "Edsger", "Élise", "Emre", "Evelyn", "Farid", "Fran", "Gladys", "Grace", "Hedy",
    "Hugo", "Ines", "Ivo", "Jānis", "Jean", "Joan", "Kaja", "Karen", "Ken", "Klára", "Leila", "Leslie",
    "Linus", "Łukasz", "Lynn", "Margaret", "Mateo", "Niamh", "Niklaus", "Noor", "Olu", "Petra", "Quinn",
    "Radia", "Ravi", "Robin", "Shafi", "Søren", "Tereza", "Tony", "Uğur", "Vera", "Wren", "Zoë",
];

const FAMILY: [&str; 40] = [
    "Adeyemi",
    "Almeida",
    "Andersen",
    "Aydın",
    "Bakker",
    "Bianchi",
    "Brown",
    "Castillo",
    "Costa",
    "Čech",
    "Dubois",
    "Eriksen",
    "Fischer",
    "García",
    "Goldberg",
    "Haddad",
    "Horváth",
    "Ivanova",
    "Jansen",
    "Kaya",
    "Keller",
    "Kowalska",
    "Larsen",
    "Lefèvre",
    "Lindqvist",
    "Moreau",
    "Murphy",
    "Müller",
    "Nguyễn",
    "Novák",
    "Okafor",
    "O’Brien",
    "Pereira",
    "Rossi",
    "Sato",
    "Silva",
    "Singh",
    "Tanaka",
    "Weber",
    "Żak",
];

const MOODS: [&str; 30] = [
    "amber", "brisk", "calm", "copper", "crimson", "curious", "drowsy", "eager", "feral", "fuzzy", "gentle",
    "hollow", "idle", "jolly", "keen", "lazy", "lunar", "mellow", "misty", "noisy", "odd", "patient",
    "quiet", "rusty", "sleepy", "stray", "sunny", "tidy", "velvet", "wry",
];

const BEINGS: [&str; 34] = [
    "badger",
    "beetle",
    "buffer",
    "byte",
    "cat",
    "comet",
    "compiler",
    "crow",
    "daemon",
    "fox",
    "heron",
    "kernel",
    "lambda",
    "lynx",
    "marmot",
    "moth",
    "nibble",
    "orchid",
    "otter",
    "owl",
    "packet",
    "panda",
    "parser",
    "pointer",
    "quark",
    "raven",
    "semaphore",
    "socket",
    "sparrow",
    "thread",
    "toad",
    "tuple",
    "walrus",
    "wombat",
];

/// Given and family names of one script, and whether the family comes first.
type Tongue = ([&'static str; 8], [&'static str; 6], bool);

const TONGUES: [Tongue; 9] = [
    (
        ["Анна", "Дмитрий", "Екатерина", "Мария", "Олег", "Павел", "Софія", "Тарас"],
        ["Волкова", "Иванов", "Коваленко", "Мельник", "Петрова", "Шевченко"],
        false,
    ),
    (
        ["Ελένη", "Γιώργος", "Δήμητρα", "Κώστας", "Μαρία", "Νίκος", "Σοφία", "Χρήστος"],
        ["Αγγέλου", "Ιωάννου", "Κωνσταντίνου", "Νικολάου", "Παπαδάκη", "Παππάς"],
        false,
    ),
    (
        ["أحمد", "خالد", "زينب", "سارة", "عمر", "فاطمة", "ليلى", "مريم"],
        ["الحداد", "الخطيب", "الزهراني", "العلي", "المصري", "النجار"],
        false,
    ),
    (
        ["אביגיל", "דוד", "יעל", "נועה", "עידו", "רחל", "שירה", "תמר"],
        ["אברהם", "ביטון", "כהן", "לוי", "מזרחי", "פרץ"],
        false,
    ),
    (
        ["さくら", "健太", "美咲", "大輔", "陽菜", "翔", "葵", "結衣"],
        ["佐藤", "鈴木", "高橋", "田中", "渡辺", "小林"],
        true,
    ),
    (["伟", "芳", "静", "磊", "洋", "艳", "勇", "婷婷"], ["王", "李", "张", "刘", "陈", "赵"], true),
    (
        ["민준", "서연", "지우", "하은", "도윤", "수아", "예준", "지민"],
        ["김", "이", "박", "최", "정", "강"],
        true,
    ),
    (
        ["आरव", "अनन्या", "दीया", "ईशान", "कविता", "रोहन", "सीता", "विवेक"],
        ["शर्मा", "वर्मा", "गुप्ता", "पटेल", "सिंह", "यादव"],
        false,
    ),
    (
        ["გიორგი", "ნინო", "მარიამ", "ლევანი", "თამარ", "ანა", "დავით", "სანდრო"],
        ["ბერიძე", "კაპანაძე", "გელაშვილი", "მაისურაძე", "ლომიძე", "აბაშიძე"],
        false,
    ),
];

const LONG: [&str; 5] = [
    "Bartholomew Featherstonehaugh-Cholmondeley",
    "Maria-Magdalena von Hohenlohe-Waldenburg zu Bartenstein",
    "the_one_who_reads_every_single_changelog_twice",
    "Wolfeschlegelsteinhausenbergerdorff",
    "Tukwila Nyarko Mensah-Boateng Agyeman-Duah",
];

/// What the `n`th member is called.
pub(super) fn name(n: usize) -> String {
    // The first ones run the guild, and are met everywhere.
    match n {
        0 => return "Ada Quill".to_owned(),
        1 => return "Grace".to_owned(),
        2 => return "sleepy.otter".to_owned(),
        3 => return "中村 さくら".to_owned(),
        4 => return "Margaret O’Brien".to_owned(),
        5 => return "مريم الخطيب".to_owned(),
        _ => {}
    }
    let (given, family) = (GIVEN[mixed(n, 1) % GIVEN.len()], FAMILY[mixed(n, 2) % FAMILY.len()]);
    let (mood, being) = (MOODS[mixed(n, 3) % MOODS.len()], BEINGS[mixed(n, 4) % BEINGS.len()]);
    match n % 10 {
        0 | 1 => format!("{given} {family}"),
        2 => format!("{mood}_{being}"),
        3 => format!("{mood}{being}{}", n % 97),
        4 => given.to_owned(),
        5 => format!("{}.{being}", given.to_lowercase()),
        6 => {
            let (given, family, family_first) = &TONGUES[n / 10 % TONGUES.len()];
            let (given, family) = (given[mixed(n, 5) % given.len()], family[mixed(n, 6) % family.len()]);
            if *family_first { format!("{family}{given}") } else { format!("{given} {family}") }
        }
        7 => format!("{given} “{being}” {family}"),
        8 => format!("{given} | {mood}"),
        _ if n % 100 == 59 => LONG[n / 100 % LONG.len()].to_owned(),
        _ => format!("{given} {}.", family.chars().next().unwrap_or('Q')),
    }
}

/// A number that `n` alone decides, and that looks like chance: whoever counts up meets no pattern (`SplitMix64`'s last steps).
fn mixed(n: usize, salt: u64) -> usize {
    let mut x = (n as u64).wrapping_mul(8).wrapping_add(salt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    usize::try_from((x ^ (x >> 31)) >> 32).unwrap_or(0)
}

/// All of them.
pub(super) fn all() -> impl Iterator<Item = String> {
    (0..MEMBERS).map(name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_those_of_a_crowd() {
        let names: Vec<String> = all().collect();
        for name in &names {
            assert_eq!(kernel::text::cleaned(name, 100).as_deref(), Some(name.as_str()));
        }
        let different: HashSet<&String> = names.iter().collect();
        assert!(different.len() * 2 > names.len(), "{}", different.len());
        let some = |test: fn(char) -> bool| names.iter().filter(|name| name.chars().any(test)).count();
        assert!(some(|c| ('\u{590}'..'\u{700}').contains(&c)) > 20, "from right to left");
        assert!(some(|c| ('\u{3040}'..'\u{a000}').contains(&c)) > 20, "of the east");
        assert!(names.iter().any(|name| name.chars().count() > 40));
    }
}
