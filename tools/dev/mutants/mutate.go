package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// mutant is one change.
type mutant struct {
	id   int
	key  string // names it whatever lines move: file, function, change, code
	line int
}

// mutator writes the switches of all changes into a file.
type mutator struct {
	fset    *token.FileSet
	info    *types.Info
	file    string // as in keys
	source  []byte
	begins  map[int][]string // by offset
	ends    map[int][]string
	cuts    map[int]int // from offset to offset
	in      string      // the function
	next    *int
	keys    map[string]int
	mutants []mutant
}

// add notes a change of a node, and gives its number.
func (m *mutator) add(n ast.Node, change string) int {
	*m.next++
	code := strings.Join(strings.Fields(m.text(n)), " ")
	if len(code) > 90 {
		code = code[:90] + "…"
	}
	key := fmt.Sprintf("%s %s: %s: %s", m.file, m.in, change, code)
	m.keys[key]++
	if n := m.keys[key]; n > 1 {
		key += fmt.Sprintf(" (%d)", n)
	}
	m.mutants = append(m.mutants, mutant{id: *m.next, key: key, line: m.fset.Position(n.Pos()).Line})
	return *m.next
}

func (m *mutator) offset(p token.Pos) int { return m.fset.Position(p).Offset }
func (m *mutator) text(n ast.Node) string {
	return string(m.source[m.offset(n.Pos()):m.offset(n.End())])
}

func (m *mutator) constant(e ast.Expr) bool {
	return m.info.Types[e].Value != nil || m.info.Types[e].IsNil()
}
func (m *mutator) typeOf(e ast.Expr) types.Type { return m.info.TypeOf(e) }

// wrap puts text around a node; the first to wrap is the outermost.
func (m *mutator) wrap(n ast.Node, before, after string) {
	m.begins[m.offset(n.Pos())] = append(m.begins[m.offset(n.Pos())], before)
	m.ends[m.offset(n.End())] = append(m.ends[m.offset(n.End())], after)
}

// written is the file with all switches in it.
func (m *mutator) written() string {
	var out strings.Builder
	skip := 0
	for i := 0; i <= len(m.source); i++ {
		for _, v := range slices.Backward(m.ends[i]) {
			out.WriteString(v)
		}
		for _, text := range m.begins[i] {
			out.WriteString(text)
		}
		if to, ok := m.cuts[i]; ok {
			out.WriteByte(',')
			skip = to
		}
		if i >= skip && i < len(m.source) {
			out.WriteByte(m.source[i])
		}
	}
	return out.String()
}

// visit is the walk over functions' bodies.
func (m *mutator) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		return n.Tok != token.CONST
	case *ast.FuncDecl:
		m.in = n.Name.Name
	case *ast.BlockStmt:
		m.statements(n.List)
	case *ast.CaseClause:
		for _, e := range n.List {
			m.boolean(e, true)
		}
		m.statements(n.Body)
	case *ast.CommClause:
		m.statements(n.Body)
	case *ast.IfStmt:
		m.boolean(n.Cond, true)
	case *ast.ForStmt:
		if n.Cond != nil {
			m.boolean(n.Cond, false)
		}
	case *ast.ReturnStmt:
		m.results(n.Results)
	case *ast.CompositeLit:
		m.elements(n)
	case *ast.BinaryExpr:
		m.binary(n)
	}
	return true
}

// results changes what is returned: beside an error, the error alone, since
// nobody looks at the rest.
func (m *mutator) results(list []ast.Expr) {
	if len(list) > 1 {
		last := list[len(list)-1]
		fails := types.Universe.Lookup("error").Type()
		if t := m.typeOf(last); t != nil && !m.constant(last) && types.Identical(t, fails) {
			list = list[len(list)-1:]
		}
	}
	for _, e := range list {
		m.value(e)
	}
}

func (m *mutator) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt, *ast.IncDecStmt:
			m.wrap(s, fmt.Sprintf("if !mutOn(%d) { ", m.add(s, "removed")), " }")
		case *ast.AssignStmt:
			if blank, ok := s.Lhs[0].(*ast.Ident); s.Tok != token.DEFINE && (!ok || blank.Name != "_") {
				m.wrap(s, fmt.Sprintf("if !mutOn(%d) { ", m.add(s, "removed")), " }")
			}
		}
	}
}

func (m *mutator) isBool(e ast.Expr) bool {
	basic, ok := m.typeOf(e).(*types.Basic)
	return ok && basic.Info()&types.IsBoolean != 0 && !m.constant(e)
}

// boolean makes a condition never true, and always.
func (m *mutator) boolean(e ast.Expr, always bool) {
	if !m.isBool(e) {
		return
	}
	m.wrap(e, fmt.Sprintf("(!mutOn(%d) && (", m.add(e, "never")), "))")
	if always {
		m.wrap(e, fmt.Sprintf("(mutOn(%d) || (", m.add(e, "always")), "))")
	}
}

// value makes what is returned, or part of a literal, the zero of its type.
func (m *mutator) value(e ast.Expr) {
	if m.isBool(e) {
		m.boolean(e, true)
		return
	}
	t := m.typeOf(e)
	if _, tuple := t.(*types.Tuple); t == nil || tuple || m.constant(e) || m.pointless(e, t) {
		return
	}
	m.wrap(e, fmt.Sprintf("mutZero(%d, ", m.add(e, "zero")), ")")
}

// pointless reports whether the zero of a value says nothing of the rules: what
// is zero already, texts for people, and concrete errors, which would be no nil.
func (m *mutator) pointless(e ast.Expr, t types.Type) bool {
	switch e := e.(type) {
	case *ast.FuncLit:
		return true
	case *ast.CompositeLit:
		return len(e.Elts) == 0 || e.Type == nil
	case *ast.UnaryExpr:
		if e.Op == token.AND {
			return true
		}
	case *ast.CallExpr:
		if strings.HasPrefix(m.text(e.Fun), "fmt.Sprint") {
			return true
		}
	}
	fails := types.Universe.Lookup("error").Type()
	return !types.IsInterface(t) && types.AssignableTo(t, fails)
}

func (m *mutator) elements(lit *ast.CompositeLit) {
	if _, ok := m.typeOf(lit).Underlying().(*types.Map); ok {
		return
	}
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			e = kv.Value
		}
		m.value(e)
	}
}

func (m *mutator) binary(n *ast.BinaryExpr) {
	switch n.Op {
	case token.LAND:
		m.wrap(n.X, fmt.Sprintf("(mutOn(%d) || (", m.add(n, "without its left")), "))")
		m.wrap(n.Y, fmt.Sprintf("(mutOn(%d) || (", m.add(n, "without its right")), "))")
	case token.LOR:
		m.wrap(n.X, fmt.Sprintf("(!mutOn(%d) && (", m.add(n, "without its left")), "))")
		m.wrap(n.Y, fmt.Sprintf("(!mutOn(%d) && (", m.add(n, "without its right")), "))")
	case token.LSS, token.GTR:
		m.wrap(n, "(", fmt.Sprintf(" || mutOn(%d) && (%s) == (%s))", m.add(n, "boundary"), m.text(n.X), m.text(n.Y)))
	case token.LEQ, token.GEQ:
		m.wrap(n, "(", fmt.Sprintf(" && !(mutOn(%d) && (%s) == (%s)))", m.add(n, "boundary"), m.text(n.X), m.text(n.Y)))
	case token.ADD, token.SUB, token.MUL, token.QUO, token.REM:
		m.arithmetic(n)
	default:
	}
}

var helpers = map[token.Token]string{
	token.ADD: "mutAdd", token.SUB: "mutSub", token.MUL: "mutMul", token.QUO: "mutQuo", token.REM: "mutRem",
}

// arithmetic leaves the right operand out.
func (m *mutator) arithmetic(n *ast.BinaryExpr) {
	basic, ok := m.typeOf(n).Underlying().(*types.Basic)
	if !ok || m.constant(n) || basic.Info()&types.IsNumeric == 0 {
		return
	}
	m.wrap(n, fmt.Sprintf("%s(%d, ", helpers[n.Op], m.add(n, "without its right")), ")")
	at := m.offset(n.OpPos)
	m.cuts[at] = at + len(n.Op.String())
}
