//! A value as a person types it into one line, and back.

use serde_json::Value;

use super::super::values::set::Given;
use super::super::yaml;
use super::Types;
use super::describe::Setting;

impl Setting {
    /// The value that is meant by what was typed. Lists and maps are written as in YAML (`[a, b]`, `{a: 1}`); a list also
    /// without its brackets. What is no value of the setting's type comes back as the text it is: the schema then says
    /// what is wrong with it.
    ///
    /// # Errors
    /// When a list or map cannot be read, in words.
    pub fn read(&self, typed: &str) -> Result<Value, String> {
        let may = |name: &str| self.types.iter().any(|known| known == name);
        let trimmed = typed.trim();
        let written = trimmed.starts_with('[') || trimmed.starts_with('{');
        if may("array") && !may("string") && !written {
            let items = trimmed.split(',').map(str::trim).filter(|item| !item.is_empty());
            return Ok(items.map(|item| Given::Plain(item.to_owned()).value(&Types::default())).collect());
        }
        if (written || trimmed.is_empty()) && (may("array") || may("object")) && !may("string") {
            return if trimmed.is_empty() { Ok(Value::Object(serde_json::Map::new())) } else { flow(trimmed) };
        }
        let types = Types::named(&self.types);
        let text = if types.only_text() { typed } else { trimmed };
        Ok(Given::Plain(text.to_owned()).value(&types))
    }

    /// A value as one would type it.
    pub fn write(value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

fn flow(text: &str) -> Result<Value, String> {
    yaml::node("what was typed", text).map(|node| node.to_value()).map_err(|fault| fault.message)
}

#[cfg(test)]
mod tests {
    use super::super::Schema;
    use super::super::describe::settings;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_is_read_as_the_schema_means_it() {
        let text = "properties:\n  text: {type: string}\n  whole: {type: integer}\n  ratio: {type: number}\n  \
                    flag: {type: boolean}\n  list: {type: array, items: {type: string}}\n  map: {type: object}\n  \
                    maybe: {type: [string, 'null']}\n  any: {}\n";
        let settings = settings(&Schema::read("s", text).unwrap(), &json!({}), &std::collections::BTreeMap::new());
        let read = |path: &str, typed: &str| settings.iter().find(|known| known.path == path).unwrap().read(typed);
        let table = [
            ("text", "1.30", json!("1.30")),
            ("text", " x ", json!(" x ")),
            ("whole", " 12 ", json!(12)),
            ("whole", "twelve", json!("twelve")),
            ("ratio", "0.5", json!(0.5)),
            ("flag", "true", json!(true)),
            ("list", "a, b", json!(["a", "b"])),
            ("list", "[a, {b: 1}]", json!(["a", {"b": 1}])),
            ("list", "", json!([])),
            ("map", "{a: 1}", json!({"a": 1})),
            ("map", "", json!({})),
            ("maybe", "null", json!(null)),
            ("any", "x", json!("x")),
        ];
        for (path, typed, value) in table {
            assert_eq!(read(path, typed), Ok(value.clone()), "{path} {typed}");
            let again = read(path, &Setting::write(&value));
            assert_eq!(again, Ok(value), "{path} {typed}: written and read again");
        }
        assert!(read("list", "[a").is_err() && read("map", "{a: [}").is_err());
    }
}
