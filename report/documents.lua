-- What makes Quarto's documents the same as those of the offline path, in every format: figures, tables, sections and boxes
-- get their numbers and words before Quarto reads the document, and are drawn after it, so that Quarto's own ways with them
-- (tables around figures in Word, kinds of figures of its own in Typst, a program for each table) never come in.
-- _quarto.yml lists this file twice: at pre-ast it numbers, at post-render it draws.

-- The offline path does the same on its own.
if not quarto then
  return {}
end

local html, word, typst, jats = FORMAT:match("html"), FORMAT:match("docx"), FORMAT:match("typst"), FORMAT:match("jats")
local INDENT = "\u{2003}"
local NUMBERED = "study-numbered"
-- Quarto takes ids such as fig-roc, and any with a hyphen, for figures of its own; under such a name it lets them be.
local APART = "apart"

local kinds = {
  fig = { prefix = "Figure", space = true },
  tbl = { prefix = "Table", space = true },
  sec = { prefix = "Section", space = true },
}
local titles = { note = "Note", warning = "Warning", important = "Important", tip = "Tip", caution = "Caution" }
local labels, counts, depth = {}, {}, {}

local function text(value)
  return value and pandoc.utils.stringify(value) or nil
end

-- The kinds of _quarto.yml (crossref: custom), as this file stands beside it: Quarto does not hand them to filters.
local function read_kinds()
  local file = io.open("_quarto.yml", "r")
  if not file then
    return
  end
  local given = pandoc.read("---\n" .. file:read("a") .. "\n---\n", "markdown").meta
  file:close()
  for _, custom in ipairs((given.crossref or {}).custom or {}) do
    kinds[text(custom.key)] = {
      prefix = text(custom["reference-prefix"]),
      space = custom["space-before-numbering"] ~= false,
    }
  end
end

local function kind_of(id)
  local key = id:match("^(%w+)%-")
  return key and kinds[key] and key
end

local function label(key, number)
  return kinds[key].prefix .. (kinds[key].space and "\u{a0}" or "") .. number
end

-- Inlines of plain text; hard blanks do not break a line.
local function words(said)
  local out = pandoc.Inlines({})
  for word in said:gmatch("[^ ]+") do
    if #out > 0 then
      out:insert(pandoc.Space())
    end
    out:insert(pandoc.Str(word))
  end
  return out
end

local function is_html_table(block)
  return block.t == "RawBlock" and block.format == "html" and block.text:find("<table") ~= nil
end

-- HTML that cells show is read here, for formats that are not HTML: Quarto would start a program for each table, which
-- loses long ones without a word.
local function from_html(block)
  if html then
    return { block }
  end
  local bare = block.text:gsub("<style.->.-</style>", ""):gsub("<script.->.-</script>", "")
  local out = pandoc.Blocks({})
  for _, read in ipairs(pandoc.read(bare, "html").blocks) do
    if read.t == "Div" then
      out:extend(read.content)
    else
      out:insert(read)
    end
  end
  return out
end

-- An image whose words for readers who do not see it are out of Quarto's sight, which else makes a caption of them.
local function set_aside(image)
  local said = image.attributes["fig-alt"] or text(image.caption)
  image.attributes["fig-alt"] = nil
  image.attributes["study-alt"] = said
  image.caption = {}
  image.identifier = ""
  return image
end

-- Quarto turns `error` into a line that it prints; an assertion still ends the rendering.
local function stop(said)
  assert(false, "\n" .. said .. "\n")
end

-- The caption of a cell's figure or table, or the last paragraph of a div.
local function parts(block)
  local caption = nil
  if block.t == "Figure" then
    caption = pandoc.utils.blocks_to_inlines(block.caption.long)
    return block.content, caption
  end
  local content = pandoc.Blocks(block.content)
  -- Where Quarto runs the cells, a table's cell has its caption as Markdown in an attribute.
  local said = block.attributes[kind_of(block.identifier) .. "-cap"]
  if said then
    return content, pandoc.utils.blocks_to_inlines(pandoc.read(said, "markdown").blocks)
  end
  local last = content[#content]
  if not last or last.t ~= "Para" then
    stop(block.identifier .. " without a caption: the last paragraph of its div is its caption")
  end
  caption = last.content
  content:remove(#content)
  return content, caption
end

local function set_float(block)
  local id = block.identifier
  local content, caption = parts(block)
  local tables, images = pandoc.Blocks({}), pandoc.List({})
  pandoc.Blocks(content):walk({
    RawBlock = function(raw)
      if is_html_table(raw) then
        tables:extend(from_html(raw))
      end
    end,
    Table = function(given)
      tables:insert(given)
    end,
    Image = function(image)
      images:insert(set_aside(image))
    end,
  })
  if (#tables > 0) == (#images > 0) then
    stop(id .. " shows " .. (#tables > 0 and "a table and figures" or "nothing") .. ": a label stands for one table, or for figures")
  end
  local key = kind_of(id)
  counts[key] = (counts[key] or 0) + 1
  if labels[id] then
    stop("label " .. id .. " twice: labels are unique")
  end
  labels[id] = label(key, tostring(counts[key]))
  local shown = #tables > 0 and tables or pandoc.Blocks({ pandoc.Para(images) })
  local attributes = { ["study-id"] = id, ["study-label"] = labels[id] }
  return pandoc.Div(
    { pandoc.Div({ pandoc.Para(caption) }, pandoc.Attr("", { "study-caption" })), pandoc.Div(shown) },
    pandoc.Attr("", { "study-float", #tables > 0 and "study-table" or "study-figure" }, attributes)
  )
end

local function section(header)
  if header.classes:includes("unnumbered") then
    return
  end
  for level = header.level + 1, #depth do
    depth[level] = nil
  end
  for level = #depth + 1, header.level do
    depth[level] = 0
  end
  depth[header.level] = depth[header.level] + 1
  if kind_of(header.identifier) == "sec" then
    labels[header.identifier] = label("sec", table.concat(depth, "."))
  end
end

local function set_callout(div)
  for _, class in ipairs(div.classes) do
    local kind = class:match("^callout%-(%w+)$")
    if kind then
      local title, content = nil, pandoc.Blocks(div.content)
      if div.attributes.title then
        title = words(div.attributes.title)
      elseif content[1] and content[1].t == "Header" then
        title = content[1].content
        content:remove(1)
      end
      content:insert(1, pandoc.Para({ pandoc.Strong(title or words(titles[kind] or kind)) }))
      return pandoc.Div(content, pandoc.Attr("", { "study-callout", "study-callout-" .. kind }))
    end
  end
end

local function arranged(blocks)
  local out = pandoc.Blocks({})
  for _, block in ipairs(blocks) do
    local key = block.identifier and kind_of(block.identifier)
    if block.t == "Header" then
      section(block)
      out:insert(block)
    elseif key and key ~= "sec" and (block.t == "Div" or block.t == "Figure") then
      out:insert(set_float(block))
    elseif block.t == "Div" then
      block = set_callout(block) or block
      block.content = arranged(block.content)
      out:insert(block)
    elseif is_html_table(block) then
      out:extend(from_html(block))
    elseif block.t == "Figure" then
      -- Pandoc captions an image that stands alone with its alternative text; nobody wrote that as a caption.
      local images = pandoc.List({})
      block:walk({
        Image = function(image)
          images:insert(set_aside(image))
        end,
      })
      out:insert(pandoc.Para(images))
    else
      out:insert(block:walk({ Image = set_aside }))
    end
  end
  return out
end

-- References; what is no label of this document is a citation, or a mistake.
local function references(cite)
  local ours = 0
  for _, citation in ipairs(cite.citations) do
    ours = ours + (kind_of(citation.id) and 1 or 0)
  end
  if ours == 0 then
    return nil
  end
  local out = pandoc.Inlines({})
  for number, citation in ipairs(cite.citations) do
    local key, found = kind_of(citation.id), labels[citation.id]
    if not key then
      stop("references and citations in one bracket (@" .. citation.id .. "): write a bracket for each")
    elseif not found then
      stop("a reference to @" .. citation.id .. ", which is nowhere in this document: correct the name, or label what is meant")
    end
    if citation.mode == "SuppressAuthor" then
      found = found:sub(#label(key, "") + 1)
    end
    if number > 1 then
      out:extend({ pandoc.Str(","), pandoc.Space() })
    end
    if #citation.prefix > 0 then
      out:extend(citation.prefix)
      out:insert(pandoc.Space())
    end
    out:insert(pandoc.Link({ pandoc.Str(found) }, "#" .. citation.id, "", pandoc.Attr("", { "study-reference" })))
    out:extend(citation.suffix)
  end
  return out
end

local colours = { note = "#0758a5", warning = "#8a5a00", important = "#b3261e", tip = "#00694a", caution = "#b04a00" }

local function raw(text)
  return pandoc.RawInline("typst", text)
end

local function quoted(text)
  return '"' .. text:gsub("\\", "\\\\"):gsub('"', '\\"') .. '"'
end

local function image(given)
  local alt = given.attributes["study-alt"]
  if not alt then
    return nil
  end
  if typst then
    local width = given.attributes.width
    return raw("#image(" .. quoted(given.src) .. ", alt: " .. quoted(alt) .. (width and ", width: " .. width or "") .. ")")
  end
  given.attributes["study-alt"] = nil
  given.caption = pandoc.Inlines(alt)
  return given
end

local function captioned(label, caption)
  local out = pandoc.Inlines({ pandoc.Strong({}), pandoc.Space() })
  for word_of_label in (label .. "."):gmatch("[^ ]+") do
    if #out[1].content > 0 then
      out[1].content:insert(pandoc.Space())
    end
    out[1].content:insert(pandoc.Str(word_of_label))
  end
  out:extend(caption)
  return out
end

local function first_text(row)
  return #row.cells > 0 and pandoc.utils.stringify(row.cells[1].contents) or ""
end

local function heads_group(row)
  return #row.cells > 0 and row.cells[1].classes:includes("gt_group_heading")
end

-- Between these stands a row that others belong to, in Typst's text.
local marks = { group = { "/*group*/", "/*end of group*/" }, stay = { "/*row*/", "/*end of row*/" } }

local function marked(cells, name)
  if not typst then
    return
  end
  local first, last = cells[1].contents, cells[#cells].contents
  for _, cell in ipairs({ first, last }) do
    if #cell == 0 then
      cell:insert(pandoc.Plain({}))
    end
  end
  first[1].content:insert(1, raw(marks[name][1]))
  last[#last].content:insert(raw(marks[name][2]))
end

local function bold(row)
  for _, cell in ipairs(row.cells) do
    for index, block in ipairs(cell.contents) do
      if block.t == "Plain" or block.t == "Para" then
        cell.contents[index] = pandoc.Plain({ pandoc.Strong(block.content) })
      end
    end
  end
end

-- Ids inside a table are those of its HTML cells; only its label is ever referred to.
local function plain_cells(rows)
  for _, row in ipairs(rows) do
    row.attr = pandoc.Attr("", row.classes)
    for _, cell in ipairs(row.cells) do
      cell.attr = pandoc.Attr("", cell.classes)
    end
  end
end

local function notes_of(given)
  local notes = pandoc.Blocks({})
  for _, row in ipairs(given.foot.rows) do
    for _, cell in ipairs(row.cells) do
      notes:insert(pandoc.Para(pandoc.utils.blocks_to_inlines(cell.contents, {})))
    end
  end
  given.foot.rows = {}
  return notes
end

local function with_rows(given)
  plain_cells(given.head.rows)
  for _, body in ipairs(given.bodies) do
    local rows = pandoc.List(body.head)
    rows:extend(body.body)
    plain_cells(rows)
    for index, row in ipairs(rows) do
      local indented = first_text(row):sub(1, #INDENT) == INDENT
      local below = rows[index + 1] and first_text(rows[index + 1]):sub(1, #INDENT) == INDENT
      if heads_group(row) then
        bold(row)
        marked(row.cells, "group")
      elseif below and not indented then
        marked(row.cells, "stay")
      end
    end
    body.head = {}
    body.body = rows
  end
end

-- Rows that others belong to become headers of their own, which stay with their rows; a group's heading comes again on the
-- next page.
local function typst_table(given)
  given.classes:insert("typst:no-figure")
  local text = pandoc.write(pandoc.Pandoc({ given }), "typst")
  for name, options in pairs({ group = "level: 2", stay = "level: 3, repeat: false" }) do
    local begins, ends = marks[name][1]:gsub("%*", "%%*"), marks[name][2]:gsub("%*", "%%*")
    local row = "(table%.cell%([^%[%]]*%)%[%s*" .. begins .. ".-" .. ends .. "%s*%]),"
    text = text:gsub(row, "table.header(" .. options .. ", %1),")
  end
  return text
end

local function lines(notes)
  local out = pandoc.Inlines({})
  for number, note in ipairs(notes) do
    if number > 1 then
      out:insert(pandoc.LineBreak())
    end
    out:extend(note.content)
  end
  return out
end

local function draw_table(id, caption, given, others)
  local notes = notes_of(given)
  with_rows(given)
  local out = pandoc.Blocks({})
  if typst then
    local head = pandoc.Inlines({ raw("#figure(align(center)[" .. typst_table(given) .. "], caption: figure.caption(position: top, [") })
    head:extend(caption)
    head:insert(raw("]), kind: table) <" .. id .. ">"))
    out:insert(pandoc.Para(head))
  else
    given.identifier = id
    given.caption = { long = { pandoc.Plain(caption) } }
    out:insert(given)
  end
  if #notes > 0 and typst then
    out:extend({ pandoc.RawBlock("typst", "#study-notes["), pandoc.Para(lines(notes)), pandoc.RawBlock("typst", "]") })
  elseif #notes > 0 and word then
    out:insert(pandoc.Div(notes, pandoc.Attr("", {}, { ["custom-style"] = "Table Note" })))
  else
    out:extend(notes)
  end
  out:extend(others)
  return out
end

local function float(div)
  local id, label = div.attributes["study-id"], div.attributes["study-label"]
  local words_of = pandoc.utils.blocks_to_inlines(div.content[1].content)
  local caption, shown = captioned(label, words_of), div.content[2].content
  if html then
    local said = pandoc.Div({ pandoc.Plain(caption) }, pandoc.Attr("", { "study-caption" }))
    local content = pandoc.Blocks(shown)
    content:insert(div.classes:includes("study-table") and 1 or #content + 1, said)
    return pandoc.Div(content, pandoc.Attr(id, { "study-float" }, { role = "group", ["aria-label"] = label }))
  end
  if div.classes:includes("study-table") then
    local given, others = nil, pandoc.Blocks({})
    for _, block in ipairs(shown) do
      if block.t == "Table" and not given then
        given = block
      else
        others:insert(block)
      end
    end
    return draw_table(id, caption, given, others)
  end
  local images = pandoc.Inlines({})
  pandoc.Blocks(shown):walk({
    Image = function(given)
      images:insert(image(given) or given)
    end,
  })
  return pandoc.Figure({ pandoc.Plain(images) }, { long = { pandoc.Plain(caption) } }, pandoc.Attr(id))
end

local function callout(div)
  local kind = div.classes[2]:match("^study%-callout%-(%w+)$")
  if html then
    div.attributes = { role = "note", ["aria-label"] = pandoc.utils.stringify(div.content[1]) }
    return div
  elseif word then
    return pandoc.Div(div.content, pandoc.Attr("", {}, { ["custom-style"] = "Callout" }))
  elseif typst then
    local out = pandoc.Blocks({ pandoc.RawBlock("typst", '#study-callout(rgb("' .. colours[kind] .. '"))[') })
    out:extend(div.content)
    out:insert(pandoc.RawBlock("typst", "]"))
    return out
  end
  return div.content
end

local function div(given)
  if given.classes:includes("study-float") and given.attributes["study-id"] then
    return float(given)
  elseif given.classes[1] == "study-callout" and given.classes[2] then
    return callout(given)
  end
end

-- Quarto makes a section's number part of its words in Word and JATS, with a full stop at the first level alone.
local function header(given)
  local content, number = given.content, given.attributes.number
  if not (word or jats) or not number or not content[2] or content[1].t ~= "Str" or content[1].text ~= number then
    return nil
  end
  if word then
    content[1] = pandoc.Span({ content[1] }, pandoc.Attr("", {}, { ["custom-style"] = "Section Number" }))
    content[2] = pandoc.RawInline("openxml", "<w:r><w:tab/></w:r>")
  else
    -- finishing.py makes a label of it, which stands before the title.
    content[1] = pandoc.RawInline("jats", "<!--label " .. number .. "-->")
    content:remove(2)
  end
  return given
end

-- Quarto unrolls divs of JATS before filters see them again, and makes figures of its own of all that has a caption: there
-- everything is drawn at once, a figure under a name apart, a table without its caption, which stands before it.
local CAPTION = "caption of "

local function apart(block)
  local id = block.identifier
  if id == "" or not kind_of(id) then
    return nil
  elseif block.t == "Figure" then
    block.identifier = APART .. id:gsub("%-", "..")
    return block
  end
  local caption = pandoc.Inlines({ pandoc.RawInline("jats", CAPTION .. id) })
  caption:extend(pandoc.utils.blocks_to_inlines(block.caption.long))
  block.identifier, block.caption = "", {}
  return { pandoc.Para(caption), block }
end

local function back(block)
  if block.identifier:sub(1, #APART) == APART then
    block.identifier = block.identifier:sub(#APART + 1):gsub("%.%.", "-")
    return block
  end
end

local function with_captions(blocks)
  local out = pandoc.Blocks({})
  for _, block in ipairs(blocks) do
    local before = out[#out]
    local mark = before and before.t == "Para" and before.content[1]
    if block.t == "Table" and mark and mark.t == "RawInline" and mark.text:sub(1, #CAPTION) == CAPTION then
      before.content:remove(1)
      block.identifier = mark.text:sub(#CAPTION + 1)
      block.caption = { long = { pandoc.Plain(before.content) } }
      out[#out] = block
    else
      out:insert(block)
    end
  end
  return out
end

return {
  {
    Pandoc = function(doc)
      if not doc.meta[NUMBERED] then
        read_kinds()
        doc.blocks = arranged(doc.blocks):walk({ Cite = references })
        if jats then
          doc.blocks = doc.blocks:walk({ Div = div }):walk({ Figure = apart, Table = apart })
        end
        doc.meta[NUMBERED] = true
        return doc
      end
      doc.meta[NUMBERED] = nil
      doc.blocks = doc.blocks:walk({ Div = div }):walk({ Image = image, Header = header })
      if jats then
        doc.blocks = doc.blocks:walk({ Figure = back, Blocks = with_captions })
      end
      return doc
    end,
  },
}
