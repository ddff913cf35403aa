/** The fields that the guide names for each word of events.log, and a log that takes no others. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EventLog, EventName } from '../../src/renewal/events.js'

const GUIDE = join(import.meta.dirname, '../../docs/admin-guide.md')

/** What an event is about; the guide's examples show them. */
const ABOUT = ['dn', 'file']

/** Fields by word, `dn` and `file` not among them. */
export function documentedFields(): ReadonlyMap<string, readonly string[]> {
  const text = readFileSync(GUIDE, 'utf8')
  const section = text.split(/^## /m).find((part) => part.startsWith('events.log\n')) ?? ''
  const table = new Map<string, readonly string[]>()
  let last: readonly string[] = []
  for (const line of section.split('\n').filter((each) => each.startsWith('| `'))) {
    const [, words = '', , fields = ''] = line.split('|')
    const named = namesIn(fields.replace(/\([^)]*\)/g, ''))
    // `the same without …`
    const own = fields.includes('the same') ? last.filter((name) => !named.includes(name)) : named
    for (const word of namesIn(words)) table.set(word, own)
    last = own
  }
  return table
}

/** @throws Error for a field that the guide does not name, before anything is written. */
export function documentedOnly(log: EventLog): EventLog {
  const table = documentedFields()
  return {
    write(event: EventName, fields) {
      const known = [...ABOUT, ...(table.get(event) ?? [])]
      const unknown = Object.entries(fields)
        .filter(([name, value]) => value !== undefined && !known.includes(name))
        .map(([name]) => name)
      if (unknown.length > 0) throw new Error(`the guide has no ${unknown.join(', ')} of ${event}`)
      return log.write(event, fields)
    },
  }
}

const namesIn = (text: string) => [...text.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name ?? '')
