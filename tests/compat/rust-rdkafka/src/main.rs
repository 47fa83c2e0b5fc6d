//! The rdkafka crate, which is librdkafka.

use std::error::Error;
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const WAIT: Duration = Duration::from_secs(20);
const SETTING: &str = "max.message.bytes";

fn blob(value: &Value) -> Option<Vec<u8>> {
    value
        .as_str()
        .map(|text| BASE64_STANDARD.decode(text).expect("base64"))
}

fn text(bytes: Option<&[u8]>) -> Value {
    bytes.map_or(Value::Null, |bytes| BASE64_STANDARD.encode(bytes).into())
}

fn string<'a>(request: &'a Value, name: &str) -> &'a str {
    request[name].as_str().expect("a text")
}

fn say(name: &str, outcome: Outcome) -> bool {
    match &outcome {
        Ok(()) => println!("{}", json!({"step": name, "ok": true})),
        Err(error) => println!(
            "{}",
            json!({"step": name, "ok": false, "error": error.to_string()})
        ),
    }
    outcome.is_ok()
}

fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("topic.metadata.refresh.interval.ms", "1000");
    config
}

/// Asks again until it holds: what a broker acknowledged may take a moment to be seen.
async fn until<T, F>(want: T, mut ask: impl FnMut() -> F) -> Outcome
where
    T: PartialEq + std::fmt::Debug,
    F: Future<Output = Outcome<T>>,
{
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let got = ask().await;
        match got {
            Ok(got) if got == want => return Ok(()),
            _ if Instant::now() > end => return Err(format!("{got:?} is not {want:?}").into()),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn send(
    producer: &FutureProducer,
    topic: &str,
    records: &[Value],
) -> Outcome {
    let mut sent = Vec::new();
    for record in records {
        let (key, value) = (blob(&record["key"]), blob(&record["value"]));
        let mut headers = OwnedHeaders::new();
        for header in record["headers"].as_array().into_iter().flatten() {
            let value = blob(&header[1]);
            headers = headers.insert(Header {
                key: header[0].as_str().expect("a name"),
                value: value.as_ref(),
            });
        }
        let mut message: FutureRecord<'_, Vec<u8>, Vec<u8>> = FutureRecord::to(topic)
            .partition(0)
            .headers(headers);
        if let Some(at) = record["timestamp"].as_i64() {
            message = message.timestamp(at);
        }
        message.key = key.as_ref();
        message.payload = value.as_ref();
        sent.push(producer.send_result(message).map_err(|(error, _)| error)?);
    }
    for delivery in sent {
        delivery.await?.map_err(|(error, _)| error)?;
    }
    Ok(())
}

async fn produce(bootstrap: &str, request: &Value) -> Outcome {
    let records: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(string(request, "records"))?)?;
    for batch in request["batches"].as_array().expect("batches") {
        let mut config = config(bootstrap);
        config
            .set("compression.type", string(batch, "codec"))
            .set("enable.idempotence", batch["idempotent"].to_string())
            .set("message.timeout.ms", "15000")
            .set("linger.ms", "50");
        let outcome = match config.create() {
            Ok(producer) => send(&producer, string(batch, "topic"), &records).await,
            Err(error) => Err(error.into()),
        };
        say(string(batch, "name"), outcome);
    }
    Ok(())
}

fn consume(bootstrap: &str, request: &Value) -> Outcome {
    let consumer: BaseConsumer = config(bootstrap)
        .set("group.id", "not-used")
        .set("enable.auto.commit", "false")
        .set("isolation.level", string(request, "isolation"))
        .create()?;
    let mut places = TopicPartitionList::new();
    let mut left = 0;
    for place in request["topics"].as_array().expect("topics") {
        places.add_partition_offset(string(place, "topic"), 0, Offset::Beginning)?;
        left += place["count"].as_i64().expect("a count");
    }
    consumer.assign(&places)?;
    while left > 0 {
        let Some(message) = consumer.poll(Duration::from_secs(1)) else {
            continue;
        };
        let message = message?;
        left -= 1;
        let headers: Vec<Value> = message
            .headers()
            .into_iter()
            .flat_map(|headers| headers.iter())
            .map(|header| json!([header.key, text(header.value)]))
            .collect();
        println!(
            "{}",
            json!({
                "topic": message.topic(), "partition": message.partition(), "offset": message.offset(),
                "timestamp": message.timestamp().to_millis(), "key": text(message.key()),
                "value": text(message.payload()), "headers": headers,
            })
        );
    }
    Ok(())
}

fn group(bootstrap: &str, request: &Value) -> Outcome {
    let mut config = config(bootstrap);
    config
        .set("group.id", string(request, "group"))
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest");
    if string(request, "protocol") == "consumer" {
        config.set("group.protocol", "consumer");
    } else {
        config
            .set("session.timeout.ms", request["session_ms"].to_string())
            .set("heartbeat.interval.ms", request["heartbeat_ms"].to_string());
    }
    let consumer: BaseConsumer = config.create()?;
    consumer.subscribe(&[string(request, "topic")])?;
    let mut last = None;
    loop {
        let message = consumer.poll(Duration::from_millis(100));
        let mut mine: Vec<i32> = consumer
            .assignment()?
            .elements()
            .iter()
            .map(|e| e.partition())
            .collect();
        mine.sort_unstable();
        if last.as_ref() != Some(&mine) {
            println!("{}", json!({"assigned": mine}));
            last = Some(mine);
        }
        let Some(message) = message else { continue };
        let message = message?;
        println!(
            "{}",
            json!({"read": [message.partition(), message.offset()]})
        );
        match consumer.commit_message(&message, CommitMode::Sync) {
            Ok(()) => println!(
                "{}",
                json!({"committed": [message.partition(), message.offset() + 1]})
            ),
            Err(error) => println!("{}", json!({"commit_failed": error.to_string()})),
        }
    }
}

async fn transactions(bootstrap: &str, request: &Value) -> Outcome {
    let topic = string(request, "topic");
    let start = || -> Outcome<FutureProducer> {
        let producer: FutureProducer = config(bootstrap)
            .set("transactional.id", string(request, "id"))
            .set("transaction.timeout.ms", "15000")
            .create()?;
        producer.init_transactions(WAIT)?;
        Ok(producer)
    };
    let put = async |producer: &FutureProducer, value: &str| -> Outcome {
        producer.begin_transaction()?;
        let record = FutureRecord::to(topic).key("k").payload(value).partition(0);
        producer
            .send(record, WAIT)
            .await
            .map_err(|(error, _)| error)?;
        Ok(())
    };
    let first = match start() {
        Ok(first) => first,
        Err(error) => {
            say("commit", Err(error));
            return Ok(());
        }
    };
    let commit = async {
        put(&first, "committed").await?;
        Ok(first.commit_transaction(WAIT)?)
    };
    let abort = async {
        put(&first, "aborted").await?;
        Ok(first.abort_transaction(WAIT)?)
    };
    if !(say("commit", commit.await) && say("abort", abort.await)) {
        return Ok(());
    }
    put(&first, "fenced").await?;
    let second = start()?;
    let fenced = match first.commit_transaction(WAIT) {
        Err(KafkaError::Transaction(error))
            if matches!(
                error.code(),
                RDKafkaErrorCode::Fenced | RDKafkaErrorCode::InvalidProducerEpoch
            ) =>
        {
            Ok(())
        }
        Err(error) => Err(error.into()),
        Ok(()) => Err("the first producer could commit".into()),
    };
    say("fence", fenced);
    let offsets = async {
        put(&second, "last").await?;
        let consumer: BaseConsumer = config(bootstrap)
            .set("group.id", string(request, "group"))
            .create()?;
        let member = consumer.group_metadata().ok_or("no group metadata")?;
        let mut places = TopicPartitionList::new();
        places.add_partition_offset(topic, 0, Offset::Offset(3))?;
        second.send_offsets_to_transaction(&places, &member, WAIT)?;
        Ok(second.commit_transaction(WAIT)?)
    };
    say("offsets", offsets.await);
    Ok(())
}

fn each<T: std::fmt::Debug>(results: Vec<Result<T, (impl ToString, RDKafkaErrorCode)>>) -> Outcome {
    for result in results {
        result.map_err(|(name, code)| format!("{}: {code}", name.to_string()))?;
    }
    Ok(())
}

async fn admin(bootstrap: &str, request: &Value) -> Outcome {
    let (topic, group_id) = (string(request, "topic"), string(request, "group"));
    let tools: AdminClient<DefaultClientContext> = config(bootstrap).create()?;
    let tools = &tools;
    let options = &AdminOptions::new().request_timeout(Some(WAIT));
    let partitions = || async {
        let found = tools.inner().fetch_metadata(Some(topic), WAIT)?;
        Ok(found
            .topics()
            .first()
            .map_or(0, |topic| topic.partitions().len()))
    };
    let current = || async {
        let found = tools
            .describe_configs([&ResourceSpecifier::Topic(topic)], options)
            .await?;
        let found = found.into_iter().next().ok_or("no answer")??;
        Ok(found
            .get(SETTING)
            .and_then(|entry| entry.value.clone())
            .unwrap_or_default())
    };
    let create = async {
        let new = NewTopic::new(topic, 2, TopicReplication::Fixed(1)).set(SETTING, "131072");
        each(tools.create_topics([&new], options).await?)
    };
    say("create", create.await);
    let describe = async {
        until(2, partitions).await?;
        until("131072".to_owned(), current).await
    };
    say("describe", describe.await);
    let alter = async {
        let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(SETTING, "65536");
        for result in tools.alter_configs([&change], options).await? {
            result.map_err(|(_, code)| code.to_string())?;
        }
        until("65536".to_owned(), current).await
    };
    say("configs", alter.await);
    let grow = async {
        each(
            tools
                .create_partitions([&NewPartitions::new(topic, 3)], options)
                .await?,
        )?;
        until(3, partitions).await
    };
    say("partitions", grow.await);
    let delete_records = async {
        let producer: FutureProducer = config(bootstrap).create()?;
        for _ in 0..5 {
            let record = FutureRecord::<(), _>::to(topic).payload("x").partition(0);
            producer
                .send(record, WAIT)
                .await
                .map_err(|(error, _)| error)?;
        }
        let mut up_to = TopicPartitionList::new();
        up_to.add_partition_offset(topic, 0, Offset::Offset(3))?;
        let done = tools.delete_records(&up_to, options).await?;
        let low = done.find_partition(topic, 0).map(|place| place.offset());
        if low == Some(Offset::Offset(3)) {
            Ok(())
        } else {
            Err(format!("low watermark {low:?}").into())
        }
    };
    say("delete_records", delete_records.await);
    let all = tools.inner().fetch_group_list(None, WAIT);
    let listed = match all {
        Ok(all) if all.groups().iter().any(|found| found.name() == group_id) => Ok(()),
        Ok(_) => Err("the group is not listed".into()),
        Err(error) => Err(error.into()),
    };
    say("list_groups", listed);
    let one = tools.inner().fetch_group_list(Some(group_id), WAIT);
    let described = match one {
        Ok(found)
            if found
                .groups()
                .first()
                .is_some_and(|found| found.state() == "Empty") =>
        {
            Ok(())
        }
        Ok(_) => Err("the group is not empty".into()),
        Err(error) => Err(error.into()),
    };
    say("describe_group", described);
    let delete = async {
        each(tools.delete_topics(&[topic], options).await?)?;
        until(false, || async {
            let found = tools.inner().fetch_metadata(None, WAIT)?;
            Ok(found.topics().iter().any(|found| found.name() == topic))
        })
        .await
    };
    say("delete", delete.await);
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, bootstrap, command, request] = arguments.as_slice() else {
        return Err("BOOTSTRAP COMMAND REQUEST".into());
    };
    let request: Value = serde_json::from_str(&std::fs::read_to_string(request)?)?;
    match command.as_str() {
        "produce" => produce(bootstrap, &request).await,
        "consume" => consume(bootstrap, &request),
        "group" => group(bootstrap, &request),
        "transactions" => transactions(bootstrap, &request).await,
        "admin" => admin(bootstrap, &request).await,
        _ => Err("unknown command".into()),
    }
}
