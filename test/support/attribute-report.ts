/** What is said of the attributes of VO alice with 23 h left, verified unless `changes` say otherwise. */
import type { AttributeReport } from '../../src/voms/attribute-report.js'

export function attributeReport(changes: Partial<AttributeReport> = {}): AttributeReport {
  return {
    vo: 'alice',
    holder: '/CN=anna',
    issuer: '/CN=voms.example.org',
    uri: 'voms.example.org:15000',
    serial: '2a',
    fqans: ['/alice/Role=lcgadmin', '/alice'],
    fqansAsWritten: ['/alice/Role=lcgadmin/Capability=NULL', '/alice/Role=NULL/Capability=NULL'],
    genericAttributes: [],
    targets: null,
    notBefore: 1_800_000_000,
    notAfter: 1_800_082_800,
    secondsLeft: 82_800,
    verified: true,
    verifiedBy: 'lsc',
    problem: null,
    ...changes,
  }
}
