import { describe, expect, it } from 'vitest'
import { parseServerList, showServer } from '../../../src/myproxy/server-list.js'
import { failureOf } from '../../support/failure.js'

const show = (text: string | readonly string[]) => parseServerList(text, 7512).map(showServer)

describe('parseServerList', () => {
  it.each([
    ['one host', 'myproxy.cern.ch', ['myproxy.cern.ch:7512']],
    ['a host with a port', 'px.example.org:7513', ['px.example.org:7513']],
    ['three in their order', 'c,a:1,b', ['c:7512', 'a:1', 'b:7512']],
    ['blanks and empty entries', ' a , ,b,', ['a:7512', 'b:7512']],
    ['an entry that stands twice', 'a,A:7512,b', ['A:7512', 'b:7512']],
    ['IPv4', '192.0.2.1:7512', ['192.0.2.1:7512']],
    ['IPv6 in brackets, with a port', '[::1]:7513', ['[::1]:7513']],
    ['IPv6 in brackets', '[2001:db8::1]', ['[2001:db8::1]:7512']],
    ['bare IPv6', '2001:db8::1', ['[2001:db8::1]:7512']],
    ['a list of lists', ['a,b', 'c:99'], ['a:7512', 'b:7512', 'c:99']],
  ])('reads %s', (_what, text, expected) => {
    expect(show(text)).toEqual(expected)
  })

  it('reads back what showServer writes', () => {
    const servers = parseServerList('a:1,[::1]:2,192.0.2.1:3', 7512)
    expect(parseServerList(servers.map(showServer), 9)).toEqual(servers)
  })

  it.each([
    ['nothing', ''],
    ['only commas', ', ,'],
    ['port 0', 'a:0'],
    ['port 65536', 'a:65536'],
    ['a port in words', 'a:myproxy'],
    ['a port without a host', ':7512'],
    ['a URL', 'https://a/'],
    ['a shell command', 'a;reboot'],
    ['a blank inside', 'a b'],
    ['an open bracket', '[::1'],
    ['a name in brackets', '[a]:1'],
    ['a leading dash', '-a'],
  ])('refuses %s', (_what, text) => {
    expect(failureOf(() => show(text)).code).toBe('SERVER_LIST_INVALID')
  })

  it('names the entry that is wrong, without its control characters', () => {
    const failure = failureOf(() => show('good,ba\x1bd'))
    expect(failure.data.entry).toBe('ba d')
    expect(failure.hint).toContain('HOST:PORT')
  })
})
