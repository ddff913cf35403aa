import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../../src/errors.js'
import { mostTelling, vomsRefusal } from '../../../src/voms/voms-refusals.js'

const question = {
  label: 'voms.example.org:15000 (192.0.2.1)',
  vo: 'alice',
  identity: '/DC=org/CN=alice',
  fqans: ['/alice/Role=lcgadmin'],
}
const refuse = (code: string, text: string) => vomsRefusal(question, [{ code, text }])

describe('a refusal', () => {
  it.each<[string, string, ErrorCode, string]>([
    ['1001', 'alice: User unknown to this VO.', 'VOMS_NO_SUCH_USER', 'unknown-user'],
    ['NoSuchUser', 'no', 'VOMS_NO_SUCH_USER', 'unknown-user'],
    [
      '1001',
      'alice: Unable to satisfy B/alice:production request!',
      'VOMS_ATTRIBUTE_NOT_GRANTED',
      'refused',
    ],
    ['NoSuchAttribute', '', 'VOMS_ATTRIBUTE_NOT_GRANTED', 'refused'],
    [
      'BadRequest',
      'User is not authorized to request attribute /alice/x',
      'VOMS_ATTRIBUTE_NOT_GRANTED',
      'refused',
    ],
    [
      '1004',
      'User is currently suspended!\nSuspension reason: he left',
      'VOMS_USER_SUSPENDED',
      'suspended',
    ],
    ['SuspendedUser', "User 'alice' is not active", 'VOMS_USER_SUSPENDED', 'suspended'],
    [
      '1004',
      'User is currently suspended!\nSuspension reason: AUP not signed',
      'VOMS_USER_SUSPENDED',
      'aup-not-signed',
    ],
    [
      'SuspendedUser',
      'User has not signed the Grid Policy',
      'VOMS_USER_SUSPENDED',
      'aup-not-signed',
    ],
    ['1004', 'Suspension reason: membership expired', 'VOMS_USER_SUSPENDED', 'membership-expired'],
    ['BadRequest', 'Your certificate has expired', 'VOMS_REFUSED', 'certificate-expired'],
    [
      '1005',
      'Either proxy or user certificate are expired.',
      'VOMS_REFUSED',
      'certificate-expired',
    ],
    ['BadRequest', 'what is that?', 'VOMS_REFUSED', 'unknown'],
  ])('%s "%s" is %s (%s), for good, with a cure', (code, text, expected, reason) => {
    const failure = refuse(code, text)
    expect([failure.code, failure.data.reason]).toEqual([expected, reason])
    expect(failure.persistence).toBe('permanent')
    expect(failure.hint).toMatch(/VO|web page/)
    expect(failure.data).toMatchObject({ vo: 'alice', serverCode: code, fqans: question.fqans })
  })

  it.each([
    ['1001', 'alice: Unable to satisfy G/alice request due to database error.'],
    ['InternalError', ''],
    ['BadRequest', 'Internal server error'],
    ['EndpointDisabled', 'VOMS endpoint is disabled'],
  ])('%s "%s" is trouble of the server, for now', (code, text) => {
    const failure = refuse(code, text)
    expect([failure.code, failure.persistence]).toEqual(['VOMS_REFUSED', 'transient'])
    expect(failure.data.reason).toBe('server-trouble')
  })

  it('says who refused, and in which words', () => {
    expect(refuse('1001', 'alice: User unknown to this VO.').message).toBe(
      'VO alice: voms.example.org:15000 (192.0.2.1) does not know this user; it says: "alice: User unknown to this VO."',
    )
    expect(refuse('1001', 'Unable to satisfy B/alice:lcgadmin request!').message).toContain(
      'does not grant what was asked for (/alice/Role=lcgadmin); it says: "Unable to satisfy',
    )
    expect(refuse('1001', 'alice: User unknown to this VO.').hint).toContain('/DC=org/CN=alice')
  })

  it('cannot reach the terminal with control characters, nor with 10,000 letters', () => {
    const failure = refuse('\x1b]0;x\x07', `\x1b[2J${'a'.repeat(10_000)}\nb`)
    expect(failure.message).not.toMatch(/\p{Cc}/u)
    expect(failure.message.length).toBeLessThan(1200)
    expect(failure.data.serverCode).not.toMatch(/\p{Cc}/u)
  })

  it('without a word says so, or gives the code alone', () => {
    expect(refuse('', '').message).toContain('refused: without saying why')
    expect(refuse('SuspendedUser', '').message).toContain('has suspended the user; it says: "Susp')
  })

  it('with two reasons shows both', () => {
    const failure = vomsRefusal(question, [
      { code: '1001', text: 'one' },
      { code: '1002', text: ' two ' },
    ])
    expect(failure.data.serverText).toBe('one; two')
  })
})

describe('of several refusals', () => {
  const unknown = refuse('NoSuchUser', '')
  const suspended = refuse('SuspendedUser', '')
  const notGranted = refuse('NoSuchAttribute', '')
  const broken = refuse('InternalError', '')

  it('one that knows the user tells most, whoever spoke first', () => {
    expect(mostTelling([unknown, suspended, notGranted])).toBe(suspended)
    expect(mostTelling([notGranted, unknown])).toBe(notGranted)
    expect(mostTelling([unknown, notGranted])).toBe(notGranted)
  })

  it('trouble of a server tells least', () => {
    expect(mostTelling([broken, unknown])).toBe(unknown)
    expect(mostTelling([broken])).toBe(broken)
    expect(mostTelling([])).toBeUndefined()
  })
})
