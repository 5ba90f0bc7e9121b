//! Names that are nearly the same: what somebody may have meant who wrote one that does not exist.

/// The known name nearest to `name`, if one is near.
pub(crate) fn similar<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.replace('_', "").to_lowercase();
    let wanted = plain(name);
    let near = known.map(|text| (distance(&plain(text), &wanted), text));
    near.filter(|(far, text)| *far <= 1 + text.len() / 5).min().map(|(_, text)| text)
}

/// How many letters must be added, dropped or replaced to make one of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for column in 0..other.len() {
            let replaced = diagonal + usize::from(letter != other[column]);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::similar;

    #[test]
    fn misspelt_names_are_found() {
        let known = ["task_id", "agent_id", "name", "kill_policy"];
        let meant = |name| similar(name, known.into_iter());
        assert_eq!(meant("taskId"), Some("task_id"));
        assert_eq!(meant("agnet_id"), Some("agent_id"));
        assert_eq!(meant("killpolicies"), Some("kill_policy"));
        assert_eq!(meant("resources"), None);
    }
}
