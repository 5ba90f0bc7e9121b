//! What agents say of themselves, from Mesos' text form: `rack:a;level:10;ports:[1-2]`.
//!
//! # Invariants
//! * A value that is a number is a scalar, one in brackets are ranges, any other one is text. Sets are refused, as
//!   Mesos does.

use crate::proto::mesos::v1::{Attribute, value};
use crate::wire::resources::{Quantity, parse_quantity};

/// The attributes in a text; the error names the part that is wrong.
pub(crate) fn parse(text: &str) -> Result<Vec<Attribute>, String> {
    let parts = text.split([';', '\n']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(parse_one).collect()
}

fn parse_one(part: &str) -> Result<Attribute, String> {
    let (name, given) = part.split_once(':').ok_or_else(|| format!("'{part}' is not name:value"))?;
    let (name, given) = (name.trim(), given.trim());
    if name.is_empty() || given.is_empty() {
        return Err(format!("'{part}' is not name:value"));
    }
    let mut attribute = Attribute { name: name.into(), ..Attribute::default() };
    if given.starts_with('{') {
        return Err(format!("'{part}' is a set, which an attribute cannot be"));
    }
    if given.starts_with('[') {
        let Quantity::Ranges(ranges) = parse_quantity(name, given)? else {
            return Err(format!("'{part}' is not name:[begin-end,…]"));
        };
        let range = ranges.into_iter().map(|(begin, end)| value::Range { begin, end }).collect();
        attribute.set_type(value::Type::Ranges);
        attribute.ranges = Some(value::Ranges { range });
    } else if let Some(number) = given.parse().ok().filter(|number: &f64| number.is_finite()) {
        attribute.set_type(value::Type::Scalar);
        attribute.scalar = Some(value::Scalar { value: number });
    } else {
        attribute.set_type(value::Type::Text);
        attribute.text = Some(value::Text { value: given.into() });
    }
    Ok(attribute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_and_what_is_none() {
        let all = parse("rack:a-1; level:10.5 ;ports:[1-2,5-6];url:http://x:1;").unwrap();
        let types: Vec<_> = all.iter().map(Attribute::r#type).collect();
        assert_eq!(types, [value::Type::Text, value::Type::Scalar, value::Type::Ranges, value::Type::Text]);
        assert_eq!(all[3].text.as_ref().unwrap().value, "http://x:1");
        assert_eq!(all[2].ranges.as_ref().unwrap().range.len(), 2);
        assert!(parse("").unwrap().is_empty());
        for (text, word) in [
            ("rack", "'rack' is not name:value"),
            (":a", "not name:value"),
            ("a:", "not name:value"),
            ("a:{x,y}", "is a set"),
            ("a:[2-1]", "2-1 is empty"),
        ] {
            assert!(parse(text).unwrap_err().contains(word), "{text}");
        }
    }
}
