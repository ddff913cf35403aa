import { describe, expect, it } from 'vitest'
import { showTable } from '../../../src/report/table.js'

describe('showTable', () => {
  it('makes columns as wide as their widest cell, by characters and not by bytes', () => {
    expect(
      showTable(
        ['A', 'LONG', 'LAST'],
        [
          ['äöü', 'b', 'x y z'],
          ['1', '', '-'],
        ],
      ),
    ).toBe('A    LONG  LAST\näöü  b     x y z\n1          -\n')
  })
})
