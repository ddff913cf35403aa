import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isVoboxError } from '../../src/errors.js'
import { JobBook } from '../../src/jobs/job-book.js'
import { encodeRecord, type JobRecord, parseRecord } from '../../src/jobs/job-record.js'
import { encodeFrame, FrameReader } from '../../src/jobs/protocol/frame.js'
import { parseJobRequest } from '../../src/jobs/protocol/request.js'
import { endJob, firstJob, jobFile, moreJob } from '../support/jobs.js'

const job = fc.constantFrom('a', 'b', 'c', 'https://wms:9000/ü=')
const number = fc.integer({ min: 1, max: 3 })
const record: fc.Arbitrary<JobRecord> = fc.oneof(
  fc.tuple(job, number).map(([id, at]) => firstJob(id, at)),
  fc.tuple(job, number).map(([id, at]) => moreJob(id, at)),
  fc.tuple(job, number).map(([id, at]) => endJob(id, at)),
  fc.tuple(job, number).map(([id, at]): JobRecord => ({ ...endJob(id, at), newest: true })),
  number.map((at): JobRecord => ({ op: 'drop', file: jobFile(at) })),
)

/** Everything that a caller can learn of a book. */
const seen = (book: JobBook) => ({
  shares: book.shares,
  bytes: book.bytes,
  proxies: [...book.proxies].map(([file, { jobs }]) => [file, [...jobs].sort()]).sort(),
  ofJob: ['a', 'b', 'c', 'https://wms:9000/ü='].map((id) => book.ofJob(id)?.proxy.fileName),
})

describe('the book of jobs', () => {
  it('is as before when the last changes are taken back, newest first', () => {
    fc.assert(
      fc.property(fc.array(record), fc.array(record), (before, changes) => {
        const book = new JobBook()
        for (const one of before) book.apply(one)
        const was = seen(book)
        const undos = changes.map((one) => book.apply(one))
        for (const undo of undos.reverse()) undo()
        expect(seen(book)).toEqual(was)
      }),
    )
  })

  it('is the same after its records were written down and read', () => {
    fc.assert(
      fc.property(fc.array(record), (changes) => {
        const book = new JobBook()
        for (const one of changes) book.apply(one)
        const again = new JobBook()
        for (const one of book.records()) {
          const read = parseRecord(encodeRecord(one).slice(0, -1))
          expect(read).toEqual(one)
          if (read) again.apply(read)
        }
        const { ofJob: _, ...rest } = seen(book)
        expect(seen(again)).toMatchObject(rest)
        const lines = [...book.records()].map(encodeRecord)
        expect(lines).toHaveLength(book.shares)
        expect(lines.join('').length).toBeLessThanOrEqual(book.bytes)
      }),
    )
  })

  it('takes no line of which a character was changed', () => {
    const line = encodeRecord(firstJob('https://wms:9000/x', 1)).slice(0, -1)
    fc.assert(
      fc.property(fc.nat(line.length - 1), fc.integer({ min: 1, max: 127 }), (at, by) => {
        const code = line.charCodeAt(at) ^ by
        const other = line.slice(0, at) + String.fromCharCode(code) + line.slice(at + 1)
        expect(parseRecord(other)).toBeUndefined()
      }),
    )
  })
})

describe('the frames of the job socket', () => {
  it('are the same however they are cut', () => {
    const text = fc.string().map((one) => one.replaceAll('\0', ''))
    fc.assert(
      fc.property(text, fc.array(fc.nat(40)), (payload, cuts) => {
        const bytes = encodeFrame(payload)
        const reader = new FrameReader()
        let rest = bytes
        let whole: Buffer | undefined
        for (const cut of [...cuts, bytes.length]) {
          if (rest.length === 0) break
          whole = reader.push(rest.subarray(0, cut))
          rest = rest.subarray(cut)
        }
        expect(whole?.toString()).toBe(payload)
      }),
    )
  })

  it('are refused with a code, or read: any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          const payload = new FrameReader().push(bytes)
          if (payload) parseJobRequest(payload)
        } catch (error) {
          expect(isVoboxError(error, 'JOB_REQUEST_REFUSED')).toBe(true)
        }
      }),
    )
  })

  it('are refused with a code, or read: any lines', () => {
    const key = fc.constantFrom('Version', 'Command', 'Jobid', 'Proxy_name', 'Myproxy_server', '')
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom('EDG Proxy Renewal 1.0', '1', '2', '3', '6'),
    )
    const lines = fc.array(fc.tuple(key, value).map(([name, text]) => `${name}=${text}\n`))
    fc.assert(
      fc.property(lines, (parts) => {
        try {
          const request = parseJobRequest(Buffer.from(parts.join('')))
          expect(['register', 'unregister', 'get']).toContain(request.command)
        } catch (error) {
          expect(isVoboxError(error, 'JOB_REQUEST_REFUSED')).toBe(true)
        }
      }),
    )
  })
})
