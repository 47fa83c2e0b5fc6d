//! Where a scan's rows go.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value, json};

use super::command::Format;
use super::rows::{Cell, columns};
use crate::cli::context::Context;
use crate::cli::output::{Output, table};
use crate::cli::stop::Result;
use crate::cli::{base64, human, time};
use crate::error::{Error, Kind};

/// Takes record batches, and is finished once.
pub trait Sink {
    fn write(&mut self, batch: &RecordBatch) -> Result;
    fn finish(self: Box<Self>) -> Result;
}

pub(super) fn open(
    format: Format,
    path: Option<&Path>,
    schema: SchemaRef,
    context: &Context,
) -> Result<Box<dyn Sink>> {
    let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let target: Target = match path {
        Some(path) => Target::File(BufWriter::new(create(path)?)),
        None => Target::Output(context.output()),
    };
    Ok(match format {
        Format::Table => Box::new(Shown {
            target,
            names,
            rows: Vec::new(),
        }),
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(target);
            writer.write_record(&names).map_err(csv_error)?;
            Box::new(writer)
        }
        Format::Jsonl => Box::new(Lines(target)),
        Format::Parquet => {
            let Target::File(file) = target else {
                let what = "Parquet is no text: name a file with --output";
                return Err(Error::invalid(what).into());
            };
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::default()))
                .build();
            let writer = ArrowWriter::try_new(file, schema, Some(properties));
            Box::new(writer.map_err(parquet_error)?)
        }
    })
}

/// A file of the user's; one that is there already is replaced.
#[allow(clippy::disallowed_methods)] // not a file of the data directory: no test makes it fail
fn create(path: &Path) -> Result<File> {
    Ok(File::create(path).map_err(|e| Error::io(format_args!("write {}", path.display()), e))?)
}

enum Target {
    File(BufWriter<File>),
    Output(Output),
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Target::File(file) => file.write(bytes),
            Target::Output(output) => output.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Target::File(file) => file.flush(),
            Target::Output(output) => Write::flush(output),
        }
    }
}

fn csv_error(error: csv::Error) -> crate::cli::stop::Stop {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => Error::internal(format!("csv: {other:?}")).into(),
    }
}

fn parquet_error(error: parquet::errors::ParquetError) -> Error {
    Error::new(Kind::Unavailable, format!("write Parquet: {error}")).with_source(error)
}

struct Shown {
    target: Target,
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Sink for Shown {
    fn write(&mut self, batch: &RecordBatch) -> Result {
        let columns = columns(batch)?;
        for row in 0..batch.num_rows() {
            let cells = columns
                .iter()
                .map(|(_, values)| Ok(words(&values.cell(row)?)));
            self.rows.push(cells.collect::<Result<_, Error>>()?);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result {
        let headers: Vec<String> = self.names.iter().map(|n| n.to_uppercase()).collect();
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let text = table(&headers, std::mem::take(&mut self.rows));
        self.target.write_all(text.as_bytes())?;
        self.target.write_all(b"\n")?;
        Ok(self.target.flush()?)
    }
}

fn words(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Null => "-".to_owned(),
        Cell::Number(number) => number.to_string(),
        Cell::Time(at) => time::format(*at),
        Cell::Bytes(bytes) => human::escaped(bytes),
        Cell::Headers(headers) => {
            let shown = headers.iter().map(|(key, value)| {
                let value = value.map_or_else(|| "-".to_owned(), human::escaped);
                format!("{}={value}", human::escaped(key.as_bytes()))
            });
            shown.collect::<Vec<_>>().join(" ")
        }
    }
}

impl Sink for csv::Writer<Target> {
    fn write(&mut self, batch: &RecordBatch) -> Result {
        let columns = columns(batch)?;
        for row in 0..batch.num_rows() {
            for (_, values) in &columns {
                let field = field(&values.cell(row)?);
                self.write_field(field).map_err(csv_error)?;
            }
            self.write_record(None::<&[u8]>).map_err(csv_error)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result {
        Ok(self.flush()?)
    }
}

fn field(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Number(number) => number.to_string(),
        Cell::Time(at) => time::format(*at),
        Cell::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => format!("base64:{}", base64::encode(bytes)),
        },
        Cell::Headers(headers) if headers.is_empty() => String::new(),
        Cell::Headers(headers) => header_list(headers).to_string(),
    }
}

fn header_list(headers: &[(&str, Option<&[u8]>)]) -> Value {
    let one = |(key, value): &(&str, Option<&[u8]>)| {
        let mut map = Map::new();
        map.insert("key".to_owned(), json!(key));
        put_bytes(&mut map, "value", *value);
        Value::Object(map)
    };
    headers.iter().map(one).collect()
}

fn put_bytes(map: &mut Map<String, Value>, name: &str, bytes: Option<&[u8]>) {
    match bytes.map(|b| (std::str::from_utf8(b), b)) {
        None => map.insert(name.to_owned(), Value::Null),
        Some((Ok(text), _)) => map.insert(name.to_owned(), json!(text)),
        Some((Err(_), bytes)) => map.insert(format!("{name}_base64"), json!(base64::encode(bytes))),
    };
}

/// Objects under the names that `consume` and `produce` have.
struct Lines(Target);

impl Sink for Lines {
    fn write(&mut self, batch: &RecordBatch) -> Result {
        let columns = columns(batch)?;
        for row in 0..batch.num_rows() {
            let mut map = Map::new();
            for (column, values) in &columns {
                let name = column.name();
                match values.cell(row)? {
                    Cell::Null => drop(map.insert(name.to_owned(), Value::Null)),
                    Cell::Number(number) => drop(map.insert(name.to_owned(), json!(number))),
                    Cell::Time(at) => drop(map.insert(name.to_owned(), json!(at.get()))),
                    Cell::Bytes(bytes) => put_bytes(&mut map, name, Some(bytes)),
                    Cell::Headers(headers) if headers.is_empty() => {}
                    Cell::Headers(headers) => {
                        map.insert(name.to_owned(), header_list(&headers));
                    }
                }
            }
            serde_json::to_writer(&mut self.0, &map).map_err(std::io::Error::from)?;
            self.0.write_all(b"\n")?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result {
        Ok(self.0.flush()?)
    }
}

impl Sink for ArrowWriter<BufWriter<File>> {
    fn write(&mut self, batch: &RecordBatch) -> Result {
        Ok(ArrowWriter::write(self, batch).map_err(parquet_error)?)
    }

    fn finish(self: Box<Self>) -> Result {
        let mut file = self.into_inner().map_err(parquet_error)?;
        Ok(file.flush()?)
    }
}
