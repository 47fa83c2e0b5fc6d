// What the JavaScript client programs share: the command protocol described in tests/compat/harness.

import { readFileSync } from 'node:fs'

export function emit (line) {
  console.log(JSON.stringify(line))
}

export function blob (text) {
  return text === null ? null : Buffer.from(text, 'base64')
}

export function text (bytes) {
  return bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('base64')
}

export function records (request) {
  return JSON.parse(readFileSync(request.records, 'utf8')).map(line => ({
    key: blob(line.key),
    value: blob(line.value),
    headers: line.headers.map(([name, value]) => [name, blob(value)]),
    timestamp: line.timestamp
  }))
}

// The client has no such call, here.
export class NotOffered extends Error {}

export async function step (name, work) {
  let timer
  const limit = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no end within 25 s')), 25000)
  })
  try {
    await Promise.race([work(), limit])
    emit({ step: name, ok: true })
    return true
  } catch (error) {
    if (error instanceof NotOffered) {
      emit({ step: name, offered: false })
      return true
    }
    const causes = [error.cause, ...(error.errors ?? [])].filter(Boolean).map(e => e.message)
    emit({ step: name, ok: false, error: [`${error.name}: ${error.message}`, ...causes].join('; ') })
    return false
  } finally {
    clearTimeout(timer)
  }
}

export function equal (got, want) {
  if (got !== want) throw new Error(`${got} is not ${want}`)
}

// Asks again until it holds: what a broker acknowledged may take a moment to be seen.
export async function until (want, ask) {
  const end = Date.now() + 10000
  for (;;) {
    let got
    try {
      got = await ask()
    } catch (error) {
      got = error
    }
    if (got === want) return
    if (Date.now() > end) throw new Error(`${got} is not ${want}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

export async function main (commands) {
  const [bootstrap, command, request] = process.argv.slice(2)
  await commands[command](bootstrap, JSON.parse(readFileSync(request, 'utf8')))
  // What was printed is still on its way into the pipe.
  process.stdout.write('', () => process.exit(0))
}
