// The rule over every situation there can be, and the page that draws it.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  decisionOf,
  type Fact,
  fact,
  fate,
  fateOfDecision,
  type LifeRule,
  lifeRules,
  rowKind,
  rowOfDecision,
  ruleOf,
} from './life.ts'

const situations = Array.from({ length: 1024 }, (_, situation) => situation)

function has(situation: number, name: Fact): boolean {
  return (situation & fact[name]) !== 0
}

test('in no situation an end is reported twice, or something is waited for without end', () => {
  for (const situation of situations) {
    const decision = decisionOf(situation)
    const [row, next] = [rowOfDecision(decision), fateOfDecision(decision)]
    const text = `${situation}: ${ruleOf(situation).name}`
    if (has(situation, 'endReported')) assert.equal(row, rowKind.news, text)
    if (row === rowKind.end) assert.ok(next === fate.forget || next === fate.remember, text)
    if (next === fate.defer) assert.equal(row, rowKind.none, text)
    if (next === fate.defer) assert.ok(!has(situation, 'lastReport'), text)
    const isPaired = has(situation, 'bothEnds') || !has(situation, 'dialling')
    if (next === fate.defer && isPaired) assert.ok(!has(situation, 'deferred'), text)
    if (next === fate.forget) assert.ok(has(situation, 'ended'), text)
    if (!has(situation, 'ended')) assert.notEqual(row, rowKind.end, text)
  }
})

test('every line of the rule decides something', () => {
  const used = new Set(situations.map(ruleOf))
  assert.deepEqual(
    lifeRules.filter((rule) => !used.has(rule)),
    [],
  )
})

test('the page shows the rule as it is', () => {
  const page = readFileSync(
    new URL('../../docs/design/006-one-ended-connections.md', import.meta.url),
    'utf8',
  )
  const lines = page.split('\n').map((line) => line.replaceAll(/ +/g, ' '))
  const found = lines.filter((line) => /^\| \d/.test(line))
  assert.deepEqual(found, lifeRules.map(lineOf))
})

function lineOf({ name, yes, no, row, fate: next }: LifeRule, index: number): string {
  const facts = [...yes, ...no.map((one) => `not ${one}`)].join(', ') || 'anything else'
  return `| ${index + 1} | ${name} | ${facts} | ${row} | ${next} |`
}
