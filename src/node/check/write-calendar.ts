/** A forecast as a calendar, and the file that it goes to. */
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { encodeCalendar } from '../../report/calendar.js'
import { nodeFiles } from '../ports/files.js'
import type { ForecastReport } from './forecast-vo.js'

/** It holds names and dates, and is there to be read. */
const MODE = 0o644

export function calendarOf({ vo, at, items }: ForecastReport): string {
  return encodeCalendar({ vo, at, items, host: hostname() })
}

/**
 * In one step, so that a calendar which reads it never sees half of it. By the VO admin, whom root
 * has become by then.
 */
export function writeCalendar(path: string, calendar: string): Promise<void> {
  return nodeFiles.replace(resolve(path), Buffer.from(calendar), { mode: MODE })
}
