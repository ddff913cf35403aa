import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../src/config/read-config.js'
import {
  findMailTrouble,
  mailTroubleOf,
  withMailTrouble,
} from '../../../src/node/compose/mail-trouble.js'
import type { EventFields } from '../../../src/renewal/events.js'
import type { RegisterResult } from '../../../src/renewal/registering/register-request.js'
import { registration } from '../../support/registry.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { hours } from '../../support/time.js'

const MISSING = '/nonexistent/sendmail'
const without = { transport: 'sendmail', sendmail: MISSING } as const

describe('findMailTrouble', () => {
  it('names the program that is missing, and both ways out', () => {
    expect(findMailTrouble(without)).toEqual({
      message: `no mail can be sent: there is no program ${MISSING}`,
      hint: expect.stringMatching(/install a mail server .* mail\.transport = "smtp"/),
    })
  })

  it('finds nothing wrong with a program, and something with a file that nobody can run', async () => {
    const sendmail = join(await temporaryDirectory(), 'sendmail')
    writeFileSync(sendmail, '#!/bin/sh\n', { mode: 0o755 })
    expect(findMailTrouble({ transport: 'sendmail', sendmail })).toBeUndefined()
    chmodSync(sendmail, 0o644)
    expect(findMailTrouble({ transport: 'sendmail', sendmail })).toBeDefined()
  })

  it.each(['smtp', 'none'] as const)(
    'does not look for it where the transport is %s',
    (transport) => {
      expect(findMailTrouble({ transport, sendmail: MISSING })).toBeUndefined()
    },
  )
})

describe('mailTroubleOf', () => {
  it('is about registrations with an address alone', () => {
    const [silent, told] = [registration('a'), registration('b', { email: 'a@example.org' })]
    expect(mailTroubleOf(without, [])).toBeUndefined()
    expect(mailTroubleOf(without, [silent])).toBeUndefined()
    expect(mailTroubleOf(without, [silent, told])).toEqual(findMailTrouble(without))
  })
})

describe('withMailTrouble', () => {
  const resultFor = (email: string | null): RegisterResult => ({
    outcome: 'registered',
    registration: registration('alice', { email }),
    file: '/repository/alice',
    proxy: 'login-proxy',
    proxyEnd: hours(12),
    warnings: [],
  })
  const given = () => {
    const { mail } = readConfig({ flags: { mail: { sendmail: MISSING } } })
    const lines: [string, EventFields][] = []
    const events = { write: async (...line: [string, EventFields]) => void lines.push(line) }
    return { context: { config: { mail }, events }, lines }
  }

  it('adds a warning to a registration with an address, and a line to events.log', async () => {
    const { context, lines } = given()
    const { warnings } = await withMailTrouble(context, resultFor('a@example.org'))
    expect(warnings).toEqual([{ code: 'mail-not-sent', ...findMailTrouble(without) }])
    expect(lines).toEqual([
      ['warning', expect.objectContaining({ file: 'alice', reason: warnings[0]?.message })],
    ])
  })

  it('leaves one without an address as it is', async () => {
    const { context, lines } = given()
    const result = resultFor(null)
    expect(await withMailTrouble(context, result)).toBe(result)
    expect(lines).toEqual([])
  })
})
