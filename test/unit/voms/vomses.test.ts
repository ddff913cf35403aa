import { describe, expect, it } from 'vitest'
import { parseVomses } from '../../../src/voms/vomses.js'

const LINE =
  '"alice" "voms.example.org" "15000" "/DC=org/DC=example/OU=Hosts/CN=voms.example.org" "alice"'
const SERVER = {
  alias: 'alice',
  host: 'voms.example.org',
  port: 15_000,
  dn: '/DC=org/DC=example/OU=Hosts/CN=voms.example.org',
  vo: 'alice',
}

const serversOf = (text: string) => parseVomses(text, '/etc/vomses').servers

describe('vomses lines', () => {
  it.each([
    ['five fields in quotes', LINE],
    ['a sixth, the version of Globus', `${LINE} "24"`],
    [
      'blanks around, tabs between, a carriage return at the end',
      ` ${LINE.replaceAll('" "', '"\t "')} \r`,
    ],
    ['fields without quotes that have no blanks', LINE.replaceAll('"', '')],
    ['comments and empty lines around it', `# VO alice\n\n${LINE}\n   \n# end`],
  ])('are read with %s', (_what, text) => {
    expect(parseVomses(text, '/etc/vomses')).toEqual({ servers: [SERVER], problems: [] })
  })

  it('may name an alias that is not the VO, and an IPv6 address', () => {
    const [server] = serversOf('"mine" "2001:db8::1" "443" "/CN=voms" "vo.example.org"')
    expect(server).toEqual({
      alias: 'mine',
      host: '2001:db8::1',
      port: 443,
      dn: '/CN=voms',
      vo: 'vo.example.org',
    })
  })

  it('keep blanks and slashes of a DN, and know the old names of two attributes', () => {
    const dn = '/C=IT/O=INFN/OU=Host/L=A B/CN=host/voms.it/Email=a@b.it/USERID=x'
    const [server] = serversOf(`"it" "voms.it" "15000" "${dn}" "it"`)
    expect(server?.dn).toBe('/C=IT/O=INFN/OU=Host/L=A B/CN=host/voms.it/emailAddress=a@b.it/UID=x')
  })

  it.each([
    ['4 fields', '"alice" "voms.example.org" "15000" "/CN=x"', 'it has 4 fields of 5'],
    ['port 0', LINE.replace('15000', '0'), "'0' is not a port"],
    ['port 65536', LINE.replace('15000', '65536'), "'65536' is not a port"],
    ['a port in letters', LINE.replace('15000', 'https'), "'https' is not a port"],
    [
      'a host with a blank',
      LINE.replace('voms.example.org"', 'voms example"'),
      'is not a host name',
    ],
    ['a host that begins with a dash', LINE.replace('"voms.e', '"-voms.e'), 'is not a host name'],
    ['a DN that is none', LINE.replace('/DC=org/DC', 'org'), 'is not a DN'],
    ['a DN with an escape of a terminal', LINE.replace('DC=org/', 'DC=\x1b[2J/'), 'is not a DN'],
    ['an alias with a colon', LINE.replace('"alice"', '"a:b"'), 'is no name for a VO'],
    ['a VO with a slash', LINE.replace(/"alice"$/, '"/alice"'), 'is no name for a VO'],
    ['a quote that is never closed', LINE.slice(0, -1), 'not separated by blanks'],
    ['no blank between two fields', LINE.replace('" "15000', '""15000'), 'not separated by blanks'],
  ])('with %s are a problem that names file and line', (_what, bad, reason) => {
    const { servers, problems } = parseVomses(`# one\n${bad}\n${LINE}\n`, '/etc/vomses/alice')
    expect(servers).toEqual([SERVER])
    expect(problems).toHaveLength(1)
    expect(problems[0]?.code).toBe('VOMSES_INVALID')
    expect(problems[0]?.data).toMatchObject({ path: '/etc/vomses/alice', line: 2 })
    expect(problems[0]?.message).toContain('/etc/vomses/alice, line 2: ')
    expect(problems[0]?.message).toContain(reason)
    expect(problems[0]?.message).not.toContain('\x1b')
  })

  it('of a file of a million quotes are refused without delay', () => {
    const { servers, problems } = parseVomses('"'.repeat(200_000), '/etc/vomses')
    expect([servers.length, problems.length]).toEqual([0, 1])
  })
})
