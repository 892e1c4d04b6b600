package contract

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// scalar is a value of protobuf text as it is written: a text in quotation marks is never a number.
type scalar struct {
	text   string
	quoted bool
}

// message is what protobuf text has at each name, in the order of the text: a scalar or a message.
type message map[string][]any

// parseText reads protobuf text without knowing its fields
// (protobuf.dev/reference/protobuf/textformat-spec): no extensions, no Any, and < > for no braces.
func parseText(data []byte) (message, error) {
	p := &textParser{rest: string(data), line: 1}
	found, err := p.message(0)
	if err == nil && p.rest != "" {
		err = fmt.Errorf("a closing brace too many")
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", p.line, err)
	}
	return found, nil
}

// deepest is how deep messages may lie in each other.
const deepest = 50

type textParser struct {
	rest string
	line int
}

// skip passes over spaces and comments.
func (p *textParser) skip() {
	for p.rest != "" {
		switch {
		case p.rest[0] == '\n':
			p.line++
			p.rest = p.rest[1:]
		case strings.ContainsRune(" \t\r\f\v", rune(p.rest[0])):
			p.rest = p.rest[1:]
		case p.rest[0] == '#':
			end := strings.IndexByte(p.rest, '\n')
			if end < 0 {
				end = len(p.rest)
			}
			p.rest = p.rest[end:]
		default:
			return
		}
	}
}

func (p *textParser) take(sign byte) bool {
	p.skip()
	if p.rest == "" || p.rest[0] != sign {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// message reads fields up to the end, or to the brace that closes it.
func (p *textParser) message(depth int) (message, error) {
	if depth > deepest {
		return nil, errors.New("too deep")
	}
	found := message{}
	for {
		p.skip()
		if p.rest == "" || p.rest[0] == '}' {
			return found, nil
		}
		name := p.word(isName)
		if name == "" || isDigit(name[0]) {
			return nil, fmt.Errorf("a field's name is wanted, not %.20q", p.rest)
		}
		values, err := p.field(depth)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		found[name] = append(found[name], values...)
		if !p.take(',') {
			p.take(';')
		}
	}
}

// field reads what stands behind a name: one value, or several in brackets.
func (p *textParser) field(depth int) ([]any, error) {
	hasColon := p.take(':')
	if p.take('[') {
		return p.list(depth, hasColon)
	}
	value, err := p.value(depth, hasColon)
	return []any{value}, err
}

func (p *textParser) list(depth int, hasColon bool) ([]any, error) {
	var values []any
	for !p.take(']') {
		if len(values) > 0 && !p.take(',') {
			return nil, fmt.Errorf("a comma or the end of the list is wanted, not %.20q", p.rest)
		}
		value, err := p.value(depth, hasColon)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, nil
}

func (p *textParser) value(depth int, hasColon bool) (any, error) {
	if p.take('{') {
		inner, err := p.message(depth + 1)
		if err == nil && !p.take('}') {
			err = errors.New("its brace is not closed")
		}
		return inner, err
	}
	if !hasColon {
		return nil, fmt.Errorf("a colon or a brace is wanted, not %.20q", p.rest)
	}
	p.skip()
	if p.rest != "" && (p.rest[0] == '"' || p.rest[0] == '\'') {
		return p.texts()
	}
	word := p.word(isValue)
	if word == "" {
		return nil, fmt.Errorf("a value is wanted, not %.20q", p.rest)
	}
	return scalar{text: word}, nil
}

// texts reads one or several texts, which count as one.
func (p *textParser) texts() (any, error) {
	var whole strings.Builder
	for p.skip(); p.rest != "" && (p.rest[0] == '"' || p.rest[0] == '\''); p.skip() {
		part, err := p.text(p.rest[0])
		if err != nil {
			return nil, err
		}
		whole.WriteString(part)
	}
	return scalar{text: whole.String(), quoted: true}, nil
}

// text reads up to the mark that it began with. Go's escapes are nearly those of protobuf text.
func (p *textParser) text(mark byte) (string, error) {
	var found []byte
	rest := p.rest[1:]
	for {
		if rest == "" || rest[0] == '\n' {
			return "", errors.New("a text without an end")
		}
		if rest[0] == mark {
			p.rest = rest[1:]
			return string(found), nil
		}
		character, multibyte, tail, err := strconv.UnquoteChar(rest, mark)
		if err != nil {
			return "", fmt.Errorf("an unknown escape: %.4q", rest)
		}
		if character < 256 && !multibyte {
			found = append(found, byte(character))
		} else {
			found = append(found, string(character)...)
		}
		rest = tail
	}
}

func (p *textParser) word(fits func(byte) bool) string {
	p.skip()
	end := 0
	for end < len(p.rest) && fits(p.rest[end]) {
		end++
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	return word
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func isName(b byte) bool {
	return b == '_' || isDigit(b) || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

func isValue(b byte) bool { return isName(b) || slices.Contains([]byte("+-."), b) }
