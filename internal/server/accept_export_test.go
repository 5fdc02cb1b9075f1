package server

import "github.com/incidenthub/incidenthub/internal/platform/storage"

// DB gives the acceptance suite a look at the tables: what was not written cannot be seen through the API.
func (s *Server) DB() *storage.DB { return s.core.db }
