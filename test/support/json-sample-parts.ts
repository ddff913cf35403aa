/**
 * What the samples of `--json` documents share. `Complete` asks for each optional field and each kind of
 * a union: a field that is added does not compile until it is in a sample, and then must be documented.
 */
import { asUnixSeconds } from '../../src/ports/clock.js'
import type { AttributeReport } from '../../src/voms/attribute-report.js'

/** Every optional member there, at every depth. */
export type Complete<T> = T extends string | number | boolean | null | undefined | Error
  ? T
  : T extends readonly (infer Item)[]
    ? readonly [Complete<Item>, ...Complete<Item>[]]
    : { [K in keyof T]-?: Complete<Exclude<T[K], undefined>> }

/** One of each kind of a union. */
export type EachKind<T, Key extends keyof T> = {
  [Kind in T[Key] & (string | number)]: Complete<Extract<T, Record<Key, Kind>>>
}

export const at = asUnixSeconds(1_800_000_000)
export const server = 'px.example.org:7512'
export const said = { message: 'one sentence', hint: 'what to do' }

export const attributes: Complete<AttributeReport> = {
  vo: 'alice',
  holder: '/CN=anna',
  issuer: '/CN=voms.example.org',
  uri: 'voms.example.org:15000',
  serial: '01',
  fqans: ['/alice'],
  fqansAsWritten: ['/alice/Role=NULL/Capability=NULL'],
  genericAttributes: [{ name: 'nickname', value: 'anna', qualifier: 'alice' }],
  targets: ['box.example.org'],
  notBefore: at,
  notAfter: at,
  secondsLeft: 1,
  verified: false,
  verifiedBy: 'lsc',
  problem: { ...said, code: 'VOMS_AC_EXPIRED' },
}
