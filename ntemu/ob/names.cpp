// The walk through the namespace: directories, symbolic links, and objects that parse the rest of a path themselves.
#include "ntemu/base/utf.h"
#include "ntemu/ob/callback.h"
#include "ntemu/ob/directory.h"

namespace ntemu::ob {
namespace {

constexpr int kMostLinks = 32;           // followed by one walk
constexpr size_t kLongestName = 0x7FFE;  // characters: what a UNICODE_STRING can hold

struct Place {
  Ref<void> directory;
  std::u16string name;
};

class Walk {
 public:
  Walk(const _OBJECT_TYPE *type, OpenRequest &request) : type_(type), request_(request) {}

  // Finds the object. With `place`, the last name is not looked up: where it belongs is stored there, and the result
  // is that directory.
  Result<void *> run(HANDLE root, std::u16string_view path, Place *place) {
    if (path.size() > kLongestName) return STATUS_OBJECT_NAME_INVALID;
    place_ = place;
    path_ = path;
    if (!root) return from_root();
    const auto start = reference_by_handle(root, 0, nullptr, request_.mode);
    if (!start) return start;
    directory_ = Ref<void>::adopt(*start);
    if (const Parse parse = parse_of(*start))
      return place ? STATUS_OBJECT_TYPE_MISMATCH : checked(parse(*start, path_, request_));
    if (&type_of(*start) != &directory_type) return STATUS_OBJECT_TYPE_MISMATCH;
    if (path_.starts_with(u'\\')) return STATUS_OBJECT_PATH_SYNTAX_BAD;
    if (path_.empty()) return here();
    return descend();
  }

 private:
  Result<void *> from_root() {
    for (int links = 0; links <= kMostLinks; ++links) {
      if (!path_.starts_with(u'\\')) return STATUS_OBJECT_PATH_SYNTAX_BAD;
      directory_ = Ref<void>::share(root_directory);
      path_.erase(0, 1);
      if (path_.empty()) return here();
      reparse_ = false;
      const auto result = descend();
      if (!reparse_) return result;
    }
    return STATUS_OBJECT_NAME_NOT_FOUND;  // unverified: what Windows says of links that lead in a circle
  }

  Result<void *> here() {
    if (place_) return STATUS_OBJECT_NAME_INVALID;
    return checked(directory_.release());
  }

  // From directory_, along path_. Sets reparse_ when a link was met: path_ is then the new full path.
  Result<void *> descend() {
    for (;;) {
      const size_t end = path_.find(u'\\');
      const std::u16string name = path_.substr(0, end);
      const std::u16string rest = end == std::u16string::npos ? u"" : path_.substr(end);
      if (name.empty()) return STATUS_OBJECT_NAME_INVALID;
      if (rest.empty() && place_) {
        *place_ = {directory_, name};
        return directory_.release();
      }
      const bool ignore_case = request_.attributes & OBJ_CASE_INSENSITIVE;
      const auto found = Ref<void>::adopt(look_up(*static_cast<Directory *>(directory_.get()), name, ignore_case));
      if (!found) return rest.empty() ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND;
      const _OBJECT_TYPE &type = type_of(found.get());
      if (rest.empty() && type_ == &type) return Ref<void>(found).release();
      if (&type == &symbolic_link_type) return follow(*static_cast<SymbolicLink *>(found.get()), rest);
      if (const Parse parse = parse_of(found.get()); parse && !place_) {
        // Asked for one of the namespace's own types, an object with a parse routine must not be opened to find out.
        if (rest.empty() && (type_ == &directory_type || type_ == &symbolic_link_type))
          return STATUS_OBJECT_TYPE_MISMATCH;
        return checked(parse(found.get(), rest, request_));
      }
      if (rest.empty()) return checked(Ref<void>(found).release());
      if (&type != &directory_type) return STATUS_OBJECT_TYPE_MISMATCH;
      directory_ = found;
      path_ = rest.substr(1);
    }
  }

  Result<void *> follow(const SymbolicLink &link, const std::u16string &rest) {
    if (request_.attributes & OBJ_DONT_REPARSE) return STATUS_REPARSE_POINT_ENCOUNTERED;
    path_ = target_of(link) + rest;
    if (path_.empty()) path_ = u"\\";  // \GLOBAL??\GLOBALROOT
    if (path_.size() > kLongestName) return STATUS_OBJECT_NAME_INVALID;
    reparse_ = true;
    return STATUS_REPARSE;
  }

  // `result` carries a reference.
  Result<void *> checked(Result<void *> result) const {
    if (!result || !type_ || &type_of(*result) == type_) return result;
    dereference(*result);
    return STATUS_OBJECT_TYPE_MISMATCH;
  }

  static Parse parse_of(void *body) { return type_of(body).parse; }

  const _OBJECT_TYPE *type_;
  OpenRequest &request_;
  Place *place_ = nullptr;
  Ref<void> directory_;
  std::u16string path_;
  bool reparse_ = false;
};

NTSTATUS check_attributes(const OBJECT_ATTRIBUTES &attributes) {
  if (attributes.Length != sizeof(OBJECT_ATTRIBUTES)) return STATUS_INVALID_PARAMETER;
  if (attributes.Attributes & ~kValidAttributes) return STATUS_INVALID_PARAMETER;
  if (!attributes.ObjectName) return STATUS_SUCCESS;
  if (attributes.ObjectName->Length % sizeof(WCHAR)) return STATUS_OBJECT_NAME_INVALID;
  if (attributes.ObjectName->Length && !attributes.ObjectName->Buffer) return STATUS_ACCESS_VIOLATION;
  return STATUS_SUCCESS;
}

// STATUS_SUCCESS and a reference in `*in_place`: `body`, or the namesake that OBJ_OPENIF accepts.
NTSTATUS insert_at(HANDLE root, std::u16string_view path, void *body, ULONG attributes, void **in_place) {
  OpenRequest request{.attributes = attributes};
  Place place;
  const auto parent = Walk(nullptr, request).run(root, path, &place);
  if (!parent) return parent.status() == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_OBJECT_PATH_NOT_FOUND : parent.status();
  dereference(*parent);
  void *existing = nullptr;
  NTSTATUS status = enter(*static_cast<Directory *>(place.directory.get()), place.name, body,
                          attributes & OBJ_PERMANENT, attributes & OBJ_CASE_INSENSITIVE, &existing);
  if (existing && (attributes & OBJ_OPENIF)) {
    status = &type_of(existing) == &type_of(body) ? STATUS_OBJECT_NAME_EXISTS : STATUS_OBJECT_TYPE_MISMATCH;
  }
  if (status == STATUS_OBJECT_NAME_EXISTS) {
    *in_place = existing;
  } else if (existing) {
    dereference(existing);
  } else if (NT_SUCCESS(status)) {
    reference(body);
    *in_place = body;
  }
  return status;
}

}  // namespace

Result<void *> open_by_name(const OBJECT_ATTRIBUTES &attributes, const _OBJECT_TYPE *type, OpenRequest &request) {
  if (const NTSTATUS status = check_attributes(attributes); !NT_SUCCESS(status)) return status;
  request.attributes = attributes.Attributes;
  const std::u16string_view path = attributes.ObjectName ? base::view(*attributes.ObjectName) : std::u16string_view();
  return Walk(type, request).run(attributes.RootDirectory, path, nullptr);
}

Result<void *> open_by_path(std::u16string_view path, const _OBJECT_TYPE *type) {
  OpenRequest request{.attributes = OBJ_CASE_INSENSITIVE};
  return Walk(type, request).run(nullptr, path, nullptr);
}

NTSTATUS insert_name(void *body, std::u16string_view path) {
  void *in_place = nullptr;
  const NTSTATUS status = insert_at(nullptr, path, body, OBJ_CASE_INSENSITIVE | OBJ_PERMANENT, &in_place);
  if (in_place) dereference(in_place);
  return status;
}

Result<void *> insert(void *body, const OBJECT_ATTRIBUTES &attributes) {
  if (const NTSTATUS status = check_attributes(attributes); !NT_SUCCESS(status)) return status;
  if (!attributes.ObjectName || attributes.ObjectName->Length == 0) {
    reference(body);
    return body;
  }
  void *in_place = nullptr;
  const NTSTATUS status =
      insert_at(attributes.RootDirectory, base::view(*attributes.ObjectName), body, attributes.Attributes, &in_place);
  if (!NT_SUCCESS(status)) return status;
  return in_place;
}

NTSTATUS create_directory(std::u16string_view path) {
  void *body = create_directory_body();
  if (!body) return STATUS_INSUFFICIENT_RESOURCES;
  const NTSTATUS status = insert_name(body, path);
  dereference(body);
  return status;
}

NTSTATUS create_symbolic_link(std::u16string_view path, std::u16string_view target) {
  void *body = create_symbolic_link_body(target);
  if (!body) return STATUS_INSUFFICIENT_RESOURCES;
  const NTSTATUS status = insert_name(body, path);
  dereference(body);
  return status;
}

NTSTATUS delete_symbolic_link(std::u16string_view path) {
  const auto link = open_by_path(path, &symbolic_link_type);
  if (!link) return link.status();
  make_temporary(*link);
  dereference(*link);
  return STATUS_SUCCESS;
}

NTSTATUS for_each(std::u16string_view directory, const std::function<void(std::u16string_view, void *)> &visit) {
  const auto found = open_by_path(directory, &directory_type);
  if (!found) return found.status();
  for (void *body : list(*static_cast<Directory *>(*found))) {
    const std::u16string path = name_of(body);
    visit(std::u16string_view(path).substr(path.rfind(u'\\') + 1), body);
    dereference(body);
  }
  dereference(*found);
  return STATUS_SUCCESS;
}

void boot() {
  root_directory = create_directory_body();
  for (const char16_t *path : {u"\\GLOBAL??", u"\\Device", u"\\Driver", u"\\FileSystem", u"\\BaseNamedObjects",
                               u"\\KernelObjects", u"\\Callback", u"\\ObjectTypes"}) {
    create_directory(path);
  }
  // On Windows \?? is each session's own directory in front of \GLOBAL??; system threads see the global one.
  create_symbolic_link(u"\\??", u"\\GLOBAL??");
  create_symbolic_link(u"\\DosDevices", u"\\??");
  create_symbolic_link(u"\\GLOBAL??\\GLOBALROOT", u"");
  create_symbolic_link(u"\\GLOBAL??\\Global", u"\\GLOBAL??");
  boot_callbacks();
}

void drop_all_names() {
  if (!root_directory) return;
  std::vector<void *> pending = list(*static_cast<Directory *>(root_directory));
  while (!pending.empty()) {
    void *body = pending.back();
    pending.pop_back();
    if (&type_of(body) == &directory_type) {
      for (void *inner : list(*static_cast<Directory *>(body))) pending.push_back(inner);
    }
    remove_name(body);
    dereference(body);
  }
  dereference(root_directory);
  root_directory = nullptr;
}

}  // namespace ntemu::ob
